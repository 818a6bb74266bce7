"use strict";
// What a table shows as a readable address, "#sort=energy&dir=desc&framework=jax,torch", and back. Knows no page.
//
// A shape says what a page has: {sortable: [column], optional: [column], facets: {name: [value]}, ranges: [column],
// rows: [id], or null where they are not all known yet}.
// A state says what is asked of it; what is left at its default is not written.
const State = (() => {
  const LISTED = ["10", "25", "50", "100", "250", "all"];
  const USUAL = "50";
  const MOST_PICKED = 8;

  const initial = () => ({
    sort: null, dir: "asc", q: "", best: false, facets: {}, least: {}, most: {}, columns: null, listed: USUAL, page: 1, picked: [],
  });

  // Whether a state, or a part of one, says which rows are listed: all but the choice of columns and of rows to compare.
  const isOfRows = (state) => {
    const usual = initial();
    const parts = Object.entries(state).filter(([name]) => name !== "columns" && name !== "picked");
    return parts.some(([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name]));
  };

  // Letters that an address may hold as they are stay readable.
  const encode = (text) => encodeURIComponent(text).replace(/%20/g, "+").replace(/%3A/g, ":");
  const decode = (text) => decodeURIComponent(text.replaceAll("+", " "));

  const list = (values) => values.map(encode).join(",");
  const wellFormed = (text) => text.replace(/\p{Surrogate}/gu, "\ufffd");

  const write = (state, shape) => {
    const pairs = [];
    const add = (key, value) => pairs.push(`${encode(key)}=${value}`);
    if (state.sort) add("sort", encode(state.sort));
    if (state.dir === "desc") add("dir", "desc");
    for (const name of Object.keys(shape.facets)) if (state.facets[name]) add(name, list(state.facets[name]));
    for (const name of shape.ranges) {
      if (name in state.least) add(`${name}-min`, encode(`${state.least[name]}`));
      if (name in state.most) add(`${name}-max`, encode(`${state.most[name]}`));
    }
    if (state.q) add("q", encode(wellFormed(state.q)));
    if (state.best) add("best", "system");
    if (state.columns) add("cols", list(state.columns));
    if (state.listed !== USUAL) add("show", state.listed);
    if (state.page > 1) add("page", `${state.page}`);
    if (state.picked.length) add("pick", list(state.picked));
    return pairs.join("&");
  };

  // Each reader takes a value into the state and returns the parts that it does not know.
  const one = (known, keep) => (text) => {
    const value = decode(text);
    if (!known.includes(value)) return [value];
    keep(value);
    return [];
  };

  const some = (known, keep) => (text) => {
    const values = text.split(",").filter(Boolean).map(decode);
    keep(known.filter((value) => values.includes(value)));
    return values.filter((value) => !known.includes(value));
  };

  const number = (keep) => (text) => {
    const value = decode(text);
    if (value.trim() === "" || !Number.isFinite(Number(value))) return [value];
    keep(Number(value));
    return [];
  };

  const place = (keep) => (text) => {
    if (!/^[1-9][0-9]{0,5}$/.test(text)) return [decode(text)];
    keep(Number(text));
    return [];
  };

  const pick = (state, shape) => (text) => {
    const known = shape.rows && new Set(shape.rows);
    const values = [...new Set(text.split(",").filter(Boolean).map(decode))];
    state.picked = values.filter((value) => !known || known.has(value)).slice(0, MOST_PICKED);
    return values.filter((value) => !state.picked.includes(value));
  };

  // Those of `all` that are chosen; null where it is every one. A table's names are always shown.
  const subset = (chosen, all) => {
    const found = all.filter((value) => chosen.includes(value));
    return found.length < all.length ? found : null;
  };

  const readers = (state, shape) => {
    const found = new Map([
      ["sort", one(shape.sortable, (value) => { state.sort = value; })],
      ["dir", one(["asc", "desc"], (value) => { state.dir = value; })],
      ["q", (text) => { state.q = decode(text); return []; }],
      ["best", one(["system"], () => { state.best = true; })],
      ["cols", some([...shape.optional, ...shape.sortable], (chosen) => { state.columns = subset(chosen, shape.optional); })],
      ["page", place((value) => { state.page = value; })],
      ["show", one(LISTED, (value) => { state.listed = value; })],
      ["pick", pick(state, shape)],
    ]);
    for (const [name, values] of Object.entries(shape.facets)) {
      found.set(name, some(values, (chosen) => { if (chosen.length) state.facets[name] = chosen; }));
    }
    for (const name of shape.ranges) {
      found.set(`${name}-min`, number((value) => { state.least[name] = value; }));
      found.set(`${name}-max`, number((value) => { state.most[name] = value; }));
    }
    return found;
  };

  const readPair = (readersOfPage, key, text) => {
    const reader = readersOfPage.get(key);
    if (!reader) return [key];
    readersOfPage.delete(key); // A key that stands twice is as unknown as one that does not exist.
    return reader(text).map((value) => `${key}=${value}`);
  };

  // {state, unknown}: the state that the address asks for, and all it names that this page does not know.
  const read = (address, shape) => {
    const state = initial();
    const known = readers(state, shape);
    const unknown = [];
    for (const pair of address.replace(/^#/, "").split("&").filter(Boolean)) {
      const [key, ...rest] = pair.split("=");
      try {
        unknown.push(...readPair(known, decode(key), rest.join("=")));
      } catch (error) {
        if (!(error instanceof URIError)) throw error;
        unknown.push(pair);
      }
    }
    return { state, unknown };
  };

  // An address without "=" is a place on the page, not a state.
  const isState = (address) => address.replace(/^#/, "") === "" || address.includes("=");

  const sentence = (unknown) =>
    unknown.length ? `This link names ${unknown.map((name) => `'${name}'`).join(", ")}, which this page does not know.` : "";

  return { LISTED, MOST_PICKED, initial, isOfRows, write, read, isState, sentence };
})();
