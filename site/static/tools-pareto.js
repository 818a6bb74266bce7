"use strict";
// Dims what lies beyond the reader's limits in a drawing that is whole without it.
(() => {
  const STEPS = 1000;
  const { byId } = tools;
  const figure = document.querySelector("[data-finder]");
  if (!figure) return;
  const rows = Array.from(document.querySelectorAll("tr[data-joules]"), (row) => ({
    row,
    mark: byId(row.dataset.mark),
    joules: Number(row.dataset.joules),
    rate: Number(row.dataset.rate),
    name: row.cells[0].textContent.trim().replace(/\s+/g, " "),
    energy: row.dataset.energy,
    speed: row.dataset.speed,
  }));
  // A limit: its number, its slider (logarithmic over the board's values), and what one of its unit is in SI.
  const limit = (name, values) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const factor = Number(figure.dataset[name]);
    const number = byId(name);
    const slider = byId(`${name}-slider`);
    const span = Math.log(high / low) || 1;
    slider.max = STEPS;
    const put = (value) => {
      number.value = value === null ? "" : Number((value / factor).toPrecision(4));
      slide();
    };
    const slide = () => {
      const value = number.value === "" ? (name === "joules" ? high : low) : Number(number.value) * factor;
      slider.value = Math.round(STEPS * Math.min(Math.max(Math.log(value / low) / span, 0), 1));
      slider.setAttribute("aria-valuetext", number.value === "" ? "no limit" : number.value);
    };
    number.addEventListener("input", () => { slide(); draw(); });
    slider.addEventListener("input", () => {
      const share = Number(slider.value) / STEPS;
      const free = share === (name === "joules" ? 1 : 0);
      // Rounded to the reader's side, so that the row at the end of the slider stays in.
      const value = low * Math.exp(span * share);
      number.value = free ? "" : Number((value / factor * (name === "joules" ? 1.0005 : 0.9995)).toPrecision(4));
      slider.setAttribute("aria-valuetext", free ? "no limit" : number.value);
      draw();
    });
    return { put, get: () => { const found = tools.amount(number.value); return found === null ? null : found * factor; },
      isBad: () => number.validity.badInput || Number.isNaN(tools.amount(number.value)) };
  };

  const energy = limit("joules", rows.map((one) => one.joules));
  const speed = limit("rate", rows.map((one) => one.rate));

  const draw = (fromAddress = false) => {
    const state = tools.read();
    const said = tools.strange(state, ["joules", "rate"]);
    if (fromAddress) {
      [["joules", energy], ["rate", speed]].forEach(([name, one]) => {
        const value = tools.amount(state.get(name) ?? "");
        if (Number.isNaN(value)) said.push(`“${state.get(name)}” is no limit for ${name}.`);
        one.put(Number.isNaN(value) ? null : value);
      });
    }
    if (energy.isBad() || speed.isBad()) said.push("A limit is a number, zero or above.");
    tools.say("problems", said);
    const [most, least] = [energy.isBad() ? null : energy.get(), speed.isBad() ? null : speed.get()];
    if (!fromAddress) tools.write({ joules: most === null ? "" : String(Number(most.toPrecision(6))), rate: least === null ? "" : String(Number(least.toPrecision(6))) });
    const remain = rows.filter((one) => {
      const stays = (most === null || one.joules <= most) && (least === null || one.rate >= least);
      one.row.hidden = !stays;
      one.mark.classList.toggle("dim", !stays);
      one.mark.classList.remove("best");
      return stays;
    });
    if (!remain.length) {
      byId("outcome").textContent = `None of ${rows.length} rows remains: allow more energy or less speed.`;
      return;
    }
    const best = remain.reduce((one, other) => (other.joules < one.joules ? other : one));
    const fastest = remain.reduce((one, other) => (other.rate > one.rate ? other : one));
    best.mark.classList.add("best");
    byId("outcome").textContent = `${remain.length} of ${rows.length} rows remain. Least energy: ${best.name}, ${best.energy} at ${best.speed}.`
      + (fastest === best ? " It is the fastest, too." : ` Fastest: ${fastest.name}, ${fastest.speed} for ${fastest.energy}.`);
  };

  byId("clear").addEventListener("click", () => { energy.put(null); speed.put(null); draw(); });
  tools.start(draw);
})();
