"use strict";
// What stands between a table's fields and the table: how many rows were found, and the filters in force as buttons.
const Telling = (() => {
  const { make } = Elements;

  // Sentences; empty where there is nothing to say. `found` are the rows that pass the filters `inForce`.
  const counts = (view, found, inForce) => {
    const { items, state, total, listed: { first, last, pages } } = view;
    const here = items.length;
    const ranks = items.some((item) => item.standing) ? `; ranks are among these ${found.length}, not all ${total}` : "";
    return [
      inForce.length ? `${found.length} of ${here} rows match${state.best ? ", each the best of its system" : ""}${found.length ? ranks : ""}.` : "",
      state.best && !inForce.length ? `${found.length} of ${here} rows, each the best of its system${ranks}.` : "",
      found.length || !inForce.length ? "" : advice(view, inForce),
      pages > 1 ? `Rows ${first} to ${last} are listed.` : "",
      here < total && view.reading && !view.isPart ? "The rows of the other pages could not be read." : "",
      here < total ? `This page holds ${here} of ${total} rows; sorting and filters see ${view.isPart ? "all of them" : "no others"}.` : "",
    ];
  };

  const advice = (view, inForce) => {
    const { filter, rows } = Rows.relaxed(view.items, inForce);
    return `Without “${nameOf(view, filter)}” there would be ${rows}.`;
  };

  const nameOf = (view, { name, value, side }) => {
    if (name === "best") return "best row of each system";
    if (name === "q") return `with “${value}”`;
    if (!side) return `${name}: ${value}`;
    const column = view.columns.find((one) => one.key === name);
    return `${column.name} at ${side} ${Controls.inUnit(value, column)}`;
  };

  // Each filter as a button that drops it, one that drops all, and the way to compare what is picked.
  const chips = (view, inForce) => {
    const { state } = view;
    const all = state.best ? [...inForce, { name: "best", without: { ...state, best: false } }] : inForce;
    return [
      ...all.map((filter) => chip(view, filter)),
      ...(all.length ? [clear(view)] : []),
      ...(state.picked.length > 1 ? [compare(view)] : []),
    ];
  };

  const chip = (view, filter) => {
    const button = make("button", { type: "button", className: "chip" }, nameOf(view, filter), " ×");
    button.setAttribute("aria-label", `Remove filter ${nameOf(view, filter)}`);
    button.addEventListener("click", () => view.drop(filter.without));
    return button;
  };

  const clear = (view) => {
    const button = make("button", { type: "button", className: "clear" }, "Clear filters");
    button.addEventListener("click", () => view.drop({ q: "", best: false, facets: {}, least: {}, most: {} }));
    return button;
  };

  const compare = (view) => {
    const { picked } = view.state;
    const rows = picked.map(encodeURIComponent).join(",").replaceAll("%3A", ":");
    return make("a", { className: "compare", href: `${view.table.dataset.compare}#rows=${rows}` }, `Compare ${picked.length} rows`);
  };

  return { counts, chips };
})();
