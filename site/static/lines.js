"use strict";
// A board's row as elements, from its data: the same that the macro `full` of _tables.html writes for the first ones.
// A line is {result, cell, ... as suite/leaderboard/pages/board_data.py names them, with words in place of numbers}.
const Lines = (() => {
  const { make } = Elements;

  const drawn = (tag, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    element.append(...children);
    return element;
  };

  const td = (className, ...children) => make("td", { className }, ...children);
  const sub = (text, more = "") => make("span", { className: `sub${more}` }, text);
  const name = (text) => make("bdi", {}, text);
  const dash = (href, title, told, sign) =>
    make("a", { className: "unknown", href, title }, sign, make("span", { className: "hidden" }, told));

  const unknown = (line, why) => dash(line.link, why, ` unknown: ${why}`, "—");
  const why = (line) => (line.reasons.length ? line.reasons[0][2] : "No joules were recorded.");

  const mark = ([at, low, high, isBar]) => {
    const parts = isBar
      ? [drawn("rect", { class: "mark-bar", x: 0, y: 3, width: at, height: 10, rx: 1.5 })]
      : [drawn("path", { class: "mark-line", d: "M0 8H150" })];
    if (low !== null) {
      const whisker = { class: "mark-whisker", d: `M${low} 8H${high}M${low} 4.5v7M${high} 4.5v7` };
      parts.push(drawn("path", isBar ? whisker : { class: "mark-band", d: `M${low} 8H${high}` }));
    }
    if (!isBar) parts.push(drawn("path", { class: "mark-middle", d: `M${at} 2.5v11` }));
    return drawn("svg", { class: "mark", viewBox: "-2 0 154 16", width: 154, height: 16, "aria-hidden": "true" }, ...parts);
  };

  const signed = (z) => `${z < 0 ? "−" : "+"}${Math.abs(z).toFixed(2)}`;

  const flags = (line) => {
    const place = `${line.root}methodology.html`;
    const chips = line.reasons.map(([code, policy, cause]) =>
      make("a", { className: `chip ${policy}`, href: `${place}#reason-${code}`, title: cause }, code.replaceAll("_", " ")));
    if (line.asks) {
      const [z, rows] = line.asks;
      const title = `robust z ${signed(z)} among ${rows} results of this cell on this device`;
      chips.push(make("a", { className: "chip warn", href: `${place}#population`, title }, "second run asked for"));
    }
    return chips.length ? [make("span", { className: "flags" }, ...chips)] : [];
  };

  const configured = (line) => `${line.framework} · ${line.technique} · ${line.precision} · batch ${line.batch}`;

  const version = (line) => (line.version ? [" ", name(line.version)] : []);

  const graded = (line) => {
    const title = line.weakest ? `limited by its ${line.weakest}` : "no aspect limits it";
    const letter = make("a", { className: `grade ${line.grade.toLowerCase()}`, href: `${line.link}#grade`, title }, line.grade);
    return line.weakest ? [letter, sub(line.weakest)] : [letter];
  };

  const floor = (line) => {
    if (line.floor !== null) return make("a", { className: "plain", href: line.link }, line.floor, sub(line.limit));
    return unknown(line, line.energy === null ? why(line) : "not calibrated in the same run, or too few repeats");
  };

  const interval = (line) => line.interval ?? unknown(line, line.energy === null ? why(line) : "a single repeat has no interval");

  const UNRANKED = "not ranked: fewer than 3 repeats, or energy unknown";

  const CELLS = {
    rank: (line) => td("rank", line.rank ?? dash(`${line.root}excluded.html#unranked`, UNRANKED, " not ranked", "–")),
    system: (line) =>
      make("th", { scope: "row", className: "system" },
        make("a", { href: `${line.root}systems/${line.system}.html` }, name(line.systemName)), sub(configured(line), " narrow"),
        ...flags(line)),
    energy: (line) => td("num strong", line.energy ?? unknown(line, why(line))),
    interval: (line) => td("num quiet", interval(line)),
    drawing: (line) => td("drawn", ...(line.mark ? [mark(line.mark)] : [])),
    floor: (line) => td("num", floor(line)),
    speed: (line) => td("num", line.rate),
    power: (line) => td("num", line.power ?? unknown(line, why(line))),
    framework: (line) => td("nowrap", name(line.framework), ...version(line), " ", sub(line.technique)),
    precision: (line) => td("nowrap", line.precision, " ", sub(`batch ${line.batch}`)),
    repeats: (line) => td("num", `${line.repeats}`),
    grade: (line) => td("", ...(line.grade ? graded(line) : [unknown(line, why(line))])),
    class: (line) => td("", line.class, " ", sub(line.boundary)),
    date: (line) =>
      td("nowrap", make("a", { href: line.link }, line.date), ...(line.step ? [sub(line.step)] : [])),
  };

  // `columns` are those of the page, in their order; all have their cell.
  const row = (line, columns) => {
    const made = make("tr", {}, ...columns.map((key) => CELLS[key](line)));
    const { id, system, framework, technique, precision, backend, low, high } = line;
    const label = `${line.systemName}, ${framework}, ${technique}, ${precision}`;
    Object.assign(made.dataset, { row: id, system, label, framework, technique, precision, backend });
    if (low !== null && high !== null) Object.assign(made.dataset, { low, high });
    if (line.rank !== null) made.querySelector(".rank").dataset.ranked = "";
    return made;
  };

  return { row };
})();
