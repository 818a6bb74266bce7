"use strict";
// Order, choice and ranks of rows. Pure: a row here is {facets, value(column), text()}, and null is unknown.
const Rows = (() => {
  const collator = new Intl.Collator("en", { numeric: true });

  // What a cell says, as a number where it is one, so that it is converted once and not per comparison.
  const key = (text) => {
    if (text === "") return null;
    const value = Number(text.replaceAll(",", ""));
    return Number.isNaN(value) ? text : value;
  };

  // Numbers by size, then text by name, unknown last in either direction; equals keep the order they came in.
  // Of many rows few differ in their text: each text is compared once, and rows by the place of their text.
  const sorted = (rows, valueOf, descending) => {
    const sign = descending ? -1 : 1;
    const keyed = rows.map((row) => ({ row, value: valueOf(row), place: 0 }));
    const known = keyed.filter((one) => one.value !== null);
    const texts = [...new Set(known.map((one) => one.value).filter((value) => typeof value === "string"))];
    const places = new Map(texts.sort(collator.compare).map((text, index) => [text, index + 1]));
    for (const one of known) if (typeof one.value === "string") [one.place, one.value] = [places.get(one.value), 0];
    known.sort((one, other) => sign * (one.place - other.place || one.value - other.value));
    return [...known, ...keyed.filter((one) => one.value === null)].map((one) => one.row);
  };

  // Each filter in force as {name, value, passes(row), without: the state that lacks it}.
  const filters = (state) => [...ofWords(state), ...ofFacets(state), ...ofBounds(state, "least"), ...ofBounds(state, "most")];

  const ofWords = (state) => {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const passes = (row) => words.every((word) => row.text().includes(word));
    return words.length ? [{ name: "q", value: words.join(" "), passes, without: { ...state, q: "" } }] : [];
  };

  const lacking = (record, name) => Object.fromEntries(Object.entries(record).filter((entry) => entry[0] !== name));

  const ofFacets = (state) =>
    Object.entries(state.facets).map(([name, values]) => ({
      name,
      value: values.join(" or "),
      passes: (row) => values.includes(row.facets[name]),
      without: { ...state, facets: lacking(state.facets, name) },
    }));

  const ofBounds = (state, side) =>
    Object.entries(state[side]).map(([name, bound]) => ({
      name,
      value: bound,
      side,
      passes: (row) => within(row.value(name), bound, side),
      without: { ...state, [side]: lacking(state[side], name) },
    }));

  // Unknown lies within no bound.
  const within = (value, bound, side) => typeof value === "number" && (side === "least" ? value >= bound : value <= bound);

  const matching = (rows, inForce) => rows.filter((row) => inForce.every((filter) => filter.passes(row)));

  const MOST_LISTED = 1000; // More rows than this would take the browser seconds to lay out.

  // Which of `count` rows a state lists, {first, last, page, pages}, counted from 1.
  const page = (count, { listed, page: asked }) => {
    const size = listed === "all" ? MOST_LISTED : Number(listed);
    const pages = Math.max(1, Math.ceil(count / size));
    const number = Math.min(asked, pages);
    return { first: (number - 1) * size + 1, last: Math.min(number * size, count), page: number, pages };
  };

  // The first row of each name, in the order they came in: on a board that is the best one.
  const firsts = (rows, nameOf) => {
    const found = new Map();
    rows.forEach((row) => { if (!found.has(nameOf(row))) found.set(nameOf(row), row); });
    return [...found.values()];
  };

  // The filter whose absence would show the most rows, and how many.
  const relaxed = (rows, inForce) =>
    inForce
      .map((filter) => ({ filter, rows: matching(rows, inForce.filter((other) => other !== filter)).length }))
      .reduce((most, one) => (one.rows > most.rows ? one : most));

  // How many of the ascending `values` are below `limit`, or not above it.
  const below = (values, limit, inclusive) => {
    let [low, high] = [0, values.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < limit || (inclusive && values[middle] === limit)) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  // Best and worst rank that each interval [low, high] allows; [1, all] where it is null. As suite.statistics.rank_bands.
  const bands = (intervals) => {
    const known = intervals.filter((one) => one !== null);
    const lows = Float64Array.from(known, (one) => one[0]).sort();
    const highs = Float64Array.from(known, (one) => one[1]).sort();
    const all = intervals.length;
    return intervals.map((one) =>
      one === null ? [1, all] : [1 + below(highs, one[0], false), all - (lows.length - below(lows, one[1], true))]);
  };

  const bandText = ([best, worst]) => (best === worst ? `${best}` : `${best}–${worst}`);

  return { key, sorted, filters, matching, page, firsts, relaxed, bands, bandText };
})();
