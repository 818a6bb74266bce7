"use strict";
// Units a day of each workload to energy, emissions and cost on each machine that has them all.
(() => {
  const JOULES_PER_KWH = 3.6e6;
  const DAYS = 365;
  const { make, byId, sub, link, titleOf } = tools;
  const { boards, rows, systems, configurations } = globalThis.joulemark;
  const inputs = Array.from(document.querySelectorAll("#mix input"));
  const defaults = new Map(inputs.map((one) => [one.name, one.defaultValue]));
  const key = (board) => `${board.workload}.${board.mode}.${board.size}`;

  // Of each class, machine and workload the row of least energy: one machine runs its best configuration.
  const best = new Map();
  rows.forEach((row) => {
    const board = boards[row[0]];
    const machine = `${board.class} ${row[1]}`;
    if (!best.has(machine)) best.set(machine, { class: board.class, system: systems[row[1]], works: new Map() });
    const { works } = best.get(machine);
    if (!works.has(key(board)) || row[5] < works.get(key(board))[5]) works.set(key(board), row);
  });

  const titles = new Map(boards.map((board) => [key(board), `${board.workload} ${board.mode} ${board.size}`]));

  const day = (works, chosen) => {
    const total = { kwh: 0, low: 0, high: 0, hours: 0 };
    chosen.forEach(([name, units]) => {
      const row = works.get(name);
      total.kwh += units * row[5] / JOULES_PER_KWH;
      total.low += units * row[6] / JOULES_PER_KWH;
      total.high += units * row[7] / JOULES_PER_KWH;
      total.hours += units / row[8] / 3600;
    });
    return total;
  };

  const cell = (total, factor) => (factor === null ? "—" : make("span", {}, tools.grouped(total.kwh * factor),
    sub(tools.range(total.low * factor, total.high * factor, tools.grouped))));

  const line = (one, chosen, grid, price) => {
    const total = day(one.works, chosen);
    const used = chosen.map(([name]) => sub(`${titles.get(name)}: ${configurations[one.works.get(name)[2]]}`));
    const machines = total.hours > 24 ? [sub(`${tools.grouped(total.hours / 24)} such machines`)] : [];
    const carbon = grid === null ? null : grid / 1000;
    return [total.kwh, [
      make("span", {}, link(`systems/${one.system[0]}.html`, one.system[1]), ...used),
      cell(total, 1), cell(total, DAYS), cell(total, carbon), cell(total, carbon === null ? null : carbon * DAYS),
      cell(total, price), cell(total, price === null ? null : price * DAYS),
      make("span", {}, tools.grouped(total.hours), ...machines),
    ]];
  };

  const HEADERS = ["Machine", "kWh a day", "kWh a year", "kg CO₂e a day", "kg CO₂e a year", "Cost a day", "Cost a year", "Hours a day"];

  const section = (name, machines, chosen, grid, price) => {
    const own = machines.filter((one) => one.class === name);
    const covered = (one) => chosen.filter(([work]) => one.works.has(work));
    const whole = own.filter((one) => covered(one).length === chosen.length);
    const partly = own.filter((one) => covered(one).length > 0 && !whole.includes(one));
    if (!whole.length && !partly.length) return [];
    const lines = whole.map((one) => line(one, chosen, grid, price)).sort((one, other) => one[0] - other[0]);
    const parts = [titleOf(name)];
    parts.push(lines.length ? tools.table(`Your mix on one machine, ${name}`, HEADERS, lines.map((each) => each[1]))
      : make("p", {}, "No machine has all of these workloads."));
    if (partly.length) {
      parts.push(make("h3", {}, "Not all of these workloads measured"), make("ul", {}, ...partly.map((one) =>
        make("li", {}, link(`systems/${one.system[0]}.html`, one.system[1]), ` ${covered(one).length}/${chosen.length}, lacks `,
          chosen.filter(([work]) => !one.works.has(work)).map(([work]) => titles.get(work)).join(", ")))));
    }
    return parts;
  };

  const draw = (fromAddress = false) => {
    const state = tools.read();
    const said = tools.strange(state, inputs.map((one) => one.name));
    if (fromAddress) {
      const works = inputs.filter((one) => one.dataset.work !== undefined);
      const named = works.some((one) => state.has(one.name));
      inputs.forEach((one) => {
        one.value = state.has(one.name) ? state.get(one.name) : named && works.includes(one) ? "" : defaults.get(one.name);
        if (state.has(one.name) && (one.value === "" || Number.isNaN(tools.amount(one.value)))) said.push(`“${state.get(one.name)}” is no amount for ${one.name}.`);
      });
      if (works.some((one) => one.value && one.closest("details"))) byId("more").open = true;
    } else {
      tools.write(Object.fromEntries(inputs.map((one) => [one.name, one.value])));
    }
    const value = (one) => (one.validity.badInput ? NaN : tools.amount(one.value));
    inputs.filter((one) => Number.isNaN(value(one))).forEach((one) => said.push(`${one.labels[0].textContent.trim()}: a number, zero or above.`));
    tools.say("problems", said);
    const number = (name) => { const found = value(byId(name)); return Number.isNaN(found) ? null : found; };
    const chosen = inputs.filter((one) => one.dataset.work !== undefined && value(one) > 0).map((one) => [one.name, value(one)]);
    const machines = [...best.values()];
    const whole = machines.filter((one) => chosen.every(([work]) => one.works.has(work)));
    byId("outcome").textContent = chosen.length
      ? `${whole.length} of ${machines.length} machines have ${chosen.length > 1 ? `all ${chosen.length} of your workloads` : "your workload"}.`
      : "Say how much of at least one workload you run a day.";
    const classes = [...new Set(machines.map((one) => one.class))];
    byId("machines").replaceChildren(...(chosen.length
      ? classes.flatMap((name) => section(name, machines, chosen, number("grid"), number("price"))) : []));
  };

  inputs.forEach((one) => one.addEventListener("input", () => draw()));
  tools.start(draw);
})();
