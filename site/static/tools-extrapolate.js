"use strict";
// Parameters and tokens to the energy of training, by each machine's measured joules per FLOP.
(() => {
  const JOULES_PER_KWH = 3.6e6;
  const { make, byId, sub, cellLink, titleOf } = tools;
  const { boards, rows, systems, configurations } = globalThis.joulemark;
  const [parameters, tokens, preset] = ["parameters", "tokens", "preset"].map(byId);

  // Of each class and machine the largest size it trained, and of that the configuration of least energy.
  const SIZES = ["xs", "s", "m", "l"];
  const size = (row) => SIZES.indexOf(boards[row[0]].size);
  const best = new Map();
  rows.filter((row) => boards[row[0]].workload === "gpt" && boards[row[0]].mode === "train" && row[9] > 0).forEach((row) => {
    const machine = `${boards[row[0]].class} ${row[1]}`;
    const kept = best.get(machine);
    if (!kept || size(row) > size(kept) || (size(row) === size(kept) && row[9] < kept[9])) best.set(machine, row);
  });
  const trained = [...best.values()];

  const GPT3 = preset.querySelector("[data-published]");
  const publishedKwh = Number(GPT3.dataset.published);

  const duration = (seconds) => {
    const [size, unit] = [[31557600, "years"], [86400, "days"], [3600, "hours"], [60, "minutes"]].find(([one]) => seconds >= one) ?? [1, "s"];
    return `${tools.grouped(seconds / size)} ${unit}`;
  };
  const energy = (kwh) => tools.quantity(1000 * kwh, "Wh");

  // J/FLOP with its interval, which is that of J/token; what `flop` operations cost; how long they take.
  const line = (row, flop, isGpt3) => {
    const [joules, low, high, rate, each] = row.slice(5);
    const kwh = (of) => flop * each * (of / joules) / JOULES_PER_KWH;
    const cells = [
      make("span", {}, cellLink(row[3], row[4], systems[row[1]][1]), sub(`size ${boards[row[0]].size} · ${configurations[row[2]]}`)),
      make("span", {}, tools.quantity(each, "J/FLOP"), sub(tools.range(each * low / joules, each * high / joules, (end) => tools.quantity(end, "J/FLOP")))),
      make("span", {}, energy(kwh(joules)), sub(tools.range(kwh(low), kwh(high), energy))),
      duration(flop * each / (joules * rate)),
    ];
    return isGpt3 ? [...cells, `${tools.grouped(kwh(joules) / publishedKwh)}×`] : cells;
  };

  const draw = (fromAddress = false) => {
    const state = tools.read();
    const said = tools.strange(state, ["parameters", "tokens"]);
    if (fromAddress) {
      [parameters, tokens].forEach((one) => {
        const value = state.get(one.id);
        const isBad = value !== undefined && !(tools.amount(value) > 0);
        if (isBad) said.push(`“${value}” is no number of ${one.id}.`);
        one.value = value === undefined || isBad ? one.defaultValue : value;
      });
    } else {
      tools.write({ parameters: parameters.value, tokens: tokens.value });
    }
    const [n, d] = [tools.amount(parameters.value), tools.amount(tokens.value)];
    const flop = 6 * n * d;
    preset.value = Array.from(preset.options, (one) => one.value).find((one) => one === `${n},${d}`) ?? "";
    const isGpt3 = preset.value === GPT3.value;
    if (!(flop > 0)) said.push("Parameters and tokens are numbers above zero.");
    tools.say("problems", said);
    const [digits, power] = flop.toExponential(2).split("e+");
    byId("outcome").replaceChildren(...(flop > 0 ? [`6 × N × D = ${digits} × 10`, make("sup", {}, power), " FLOP."] : []));
    const classes = [...new Set(trained.map((row) => boards[row[0]].class))];
    const headers = ["Machine and the size it trained", "J/FLOP measured", "Energy", "Time on one device", ...(isGpt3 ? ["Of the published"] : [])];
    byId("machines").replaceChildren(...(flop > 0 ? classes.flatMap((name) => {
      const own = trained.filter((row) => boards[row[0]].class === name).sort((one, other) => one[9] - other[9]);
      return [titleOf(name), tools.table(`Energy to train, ${name}`, headers, own.map((row) => line(row, flop, isGpt3)))];
    }) : []));
  };

  preset.addEventListener("change", () => {
    if (!preset.value) return;
    [parameters.value, tokens.value] = preset.value.split(",");
    draw();
  });
  [parameters, tokens].forEach((one) => one.addEventListener("input", () => draw()));
  tools.start(draw);
})();
