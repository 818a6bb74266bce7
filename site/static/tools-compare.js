"use strict";
// Two to eight rows beside the first of them.
(() => {
  const MOST = 8;
  const ROW = /^([0-9a-f]{12}):([1-9][0-9]{0,3})(?::(device|machine|wall))?$/;
  const { make, byId, sub, cellLink } = tools;
  const joulemark = globalThis.joulemark;
  const boardName = (board) => `${board.workload} ${board.mode}, size ${board.size} (${board.class})`;
  let drawing = 0;

  // Results are scripts of their own, fetched once; null where there is none.
  const loading = new Map();
  const load = (id) => {
    if (!loading.has(id)) {
      loading.set(id, new Promise((done) => {
        const script = make("script", { src: `data/rows/${id}.js` });
        script.addEventListener("load", () => done(globalThis.joulemarkResults?.[id] ?? null));
        script.addEventListener("error", () => done(null));
        document.head.append(script);
      }));
    }
    return loading.get(id);
  };

  const named = () => (tools.read().get("rows") ?? "").split(",").filter(Boolean);

  const find = async (name) => {
    const parts = ROW.exec(name);
    if (!parts) return { name, missing: "is no row: a row is <result>:<cell>" };
    if (joulemark.withdrawn.includes(parts[1])) return { name, missing: "was withdrawn; see the log of decisions" };
    const result = await load(parts[1]);
    if (!result) return { name, missing: "is unknown: no result of this name is here" };
    const boundary = parts[3] ?? "device";
    const row = result.rows.find((one) => one.cell === Number(parts[2]) && one.boundary === boundary);
    if (!row) return { name, missing: `is unknown: the result has no such cell with a number within ${boundary}` };
    return { name, id: parts[1], result, row };
  };

  const work = (row) => `${row.workload} ${row.mode}, size ${row.size}`;

  const whyNot = (first, other) => {
    const why = [];
    if (work(first) !== work(other)) why.push("other workload");
    else if (first.version !== other.version) why.push(`other workload version (${other.version}, not ${first.version})`);
    if (first.unit !== other.unit) why.push("other unit");
    if (first.class !== other.class) why.push(`other class (${other.class}, not ${first.class})`);
    if (first.boundary !== other.boundary) why.push(`other boundary (${other.boundary}, not ${first.boundary})`);
    return why.join(", ");
  };

  // Of two numbers with intervals: the ratio, and the least and the greatest that the intervals allow.
  const ratio = ([value, low, high], [of, ofLow, ofHigh]) => {
    if (value === null || !of) return null;
    const known = [low, high, ofLow, ofHigh].every((end) => end !== null && end > 0);
    return { value: value / of, low: known ? low / ofHigh : null, high: known ? high / ofLow : null };
  };

  const times = (value) => `${tools.grouped(value)}×`;

  const shown = (found, absolute) => {
    const text = found === null ? ["—"] : [times(found.value)];
    if (found !== null && found.low !== null) text.push(sub(tools.range(found.low, found.high, times)));
    if (absolute !== null) text.push(sub(absolute));
    return make("span", {}, ...text);
  };

  const verdict = (energy) => {
    if (energy === null) return "energy unknown";
    if (energy.low === null) return "undecided: no interval";
    if (energy.low <= 1 && energy.high >= 1) return "cannot be told apart: intervals overlap";
    const share = tools.grouped(100 * Math.abs(1 - energy.value), 2);
    return energy.value < 1 ? `${share} % less energy` : `${share} % more energy`;
  };

  const remover = (name) => {
    const button = make("button", { type: "button", class: "small", "aria-label": `Remove ${name}` }, "Remove");
    button.addEventListener("click", () => {
      tools.write({ rows: named().filter((one) => one !== name).join(",") });
      draw().then(() => byId("board").focus());
    });
    return button;
  };

  const heading = (one) => make("span", {}, cellLink(one.id, one.row.cell, one.result.system),
    sub(`${work(one.row)} · ${one.row.boundary} · ${one.row.class}`), sub(`${one.name} · ${one.result.date}`), remover(one.name));

  const one3 = (value) => [value, null, null];

  const line = (one, first) => {
    if (one.missing) return [make("span", {}, make("code", {}, one.name), remover(one.name)), "—", "—", "—", "—", "not found"];
    const { row } = one;
    const why = whyNot(first.row, row);
    const absolute = [
      row.joules[0] === null ? null : tools.quantity(row.joules[0], `J/${row.unit}`),
      row.speed,
      row.watts === null ? null : `${tools.grouped(row.watts)} W`,
      row.over[0] === null ? null : `${times(row.over[0])} its floor`,
    ];
    const of = first.row;
    const found = why ? [null, null, null, null]
      : [ratio(row.joules, of.joules), ratio(row.rate, of.rate), ratio(one3(row.watts), one3(of.watts)), ratio(row.over, of.over)];
    if (one === first) found.forEach((each) => { if (each) each.low = null; });
    const last = one === first ? "the first: others are held against it" : why ? `not comparable: ${why}` : verdict(found[0]);
    return [heading(one), ...found.map((each, index) => shown(each, absolute[index])), last];
  };

  const facts = (one) => ({ System: one.result.system, Date: one.result.date, ...one.row.configuration, ...one.result.machine });

  const differences = (known) => {
    const all = known.map(facts);
    const names = [...new Set(all.flatMap(Object.keys))];
    return names.map((name) => [name, ...all.map((each) => String(each[name] ?? "—"))])
      .filter(([, ...values]) => new Set(values).size > 1);
  };

  const draw = async () => {
    const turn = ++drawing;
    const every = named();
    const names = [...new Set(every)].slice(0, MOST);
    const found = await Promise.all(names.map(find));
    if (turn !== drawing) return;
    const known = found.filter((one) => !one.missing);
    const said = tools.strange(tools.read(), ["rows"]);
    found.filter((one) => one.missing).forEach((one) => said.push(`“${one.name}” ${one.missing}.`));
    if (new Set(every).size > MOST) said.push(`Only the first ${MOST} rows are compared; ${new Set(every).size - MOST} more are named.`);
    tools.say("problems", said);
    byId("outcome").textContent = known.length < 2 ? "Choose two rows or more." : `${known.length} rows, held against ${known[0].result.system}.`;
    const headers = ["Row", "Energy per unit", "Speed", "Mean power", "Over its floor", "Verdict"];
    const parts = names.length ? [tools.table("Ratios to the first row", headers, found.map((one) => line(one, known[0])), 5)] : [];
    if (known.length > 1) {
      const rows = differences(known);
      const columns = ["What differs", ...known.map((one) => one.name)];
      parts.push(make("h2", {}, "Differences in configuration"), rows.length
        ? tools.table("Only what differs", columns, rows, 1) : make("p", {}, "None: the rows differ in their repeats only."));
    }
    byId("compared").replaceChildren(...parts);
  };

  const option = (value, text) => make("option", { value }, text);

  const fillRows = () => {
    const rows = joulemark.rows.filter((row) => row[0] === Number(byId("board").value));
    byId("row").replaceChildren(...rows.map((row) =>
      option(`${row[3]}:${row[4]}`, `${joulemark.systems[row[1]][1]}, ${joulemark.configurations[row[2]]}`)));
  };

  byId("board").append(...joulemark.boards.map((board, index) => option(index, boardName(board))));
  byId("board").addEventListener("change", fillRows);
  byId("add").addEventListener("click", () => {
    const name = byId("row").value;
    if (name && !named().includes(name)) tools.write({ rows: [...named(), name].join(",") });
    draw();
  });
  fillRows();
  tools.start(draw);
})();
