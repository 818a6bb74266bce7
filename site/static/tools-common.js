"use strict";
// What the tools share: the state in the address, numbers as text, elements.
const tools = (() => {
  const PREFIXES = ["p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"];

  const MOST = 200;

  const grouped = (value, digits = 3) =>
    value.toLocaleString("en-GB", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });

  // "2.35 mJ/token": a prefix of thousands, so that the number reads between 1 and 1000.
  const quantity = (value, unit, digits = 3) => {
    if (value === 0) return `0 ${unit}`;
    const power = Math.min(Math.max(Math.floor(Math.log10(Math.abs(value)) / 3), -4), 6);
    return `${grouped(value / 1000 ** power, digits)} ${PREFIXES[power + 4]}${unit}`;
  };

  // An element; children are text or elements, attributes that are null are left out.
  const make = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => value !== null && made.setAttribute(key, value));
    made.append(...children);
    return made;
  };

  const byId = (id) => document.getElementById(id);

  const sub = (...children) => make("span", { class: "sub" }, ...children);

  // A table that scrolls within itself. Cells are text or elements; of each line the first is its header, and from
  // `words` on they are text. Beyond MOST lines a reader wants the file.
  const table = (caption, headers, lines, words = Infinity) => {
    const style = (index) => (index < words ? "num" : "note");
    const head = headers.map((one, index) => make("th", { scope: "col", class: index ? style(index) : null }, one));
    const shown = lines.length > MOST ? `${caption}, the first ${MOST} of ${lines.length}` : caption;
    const rows = lines.slice(0, MOST).map((cells) =>
      make("tr", {}, ...cells.map((cell, index) =>
        index ? make("td", { class: style(index) }, cell) : make("th", { scope: "row", class: "system" }, cell))));
    return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
      make("table", {}, make("caption", {}, shown), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
  };

  const link = (href, name) => make("a", { href }, make("bdi", {}, name));

  const cellLink = (result, cell, name) => link(`results/${result}/${cell}.html`, name);

  // What the page calls a class of meters.
  const titleOf = (name) => make("h2", {}, document.querySelector(`[data-class="${name}"]`).textContent);

  // The state after "#" as name -> value; what cannot be decoded is kept as it stands.
  const read = () => {
    const parts = location.hash.slice(1).split("&").filter(Boolean).map((part) => {
      const at = part.indexOf("=");
      const value = at < 0 ? "" : part.slice(at + 1);
      try {
        return [decodeURIComponent(at < 0 ? part : part.slice(0, at)), decodeURIComponent(value)];
      } catch {
        return [part, value];
      }
    });
    return new Map(parts);
  };

  const plain = (text) => encodeURIComponent(text).replace(/%(3A|2C|2F)/g, decodeURIComponent);

  // Puts the state behind "#": names with an empty value are left out, names that are not ours stay.
  const write = (state) => {
    const whole = new Map([...read(), ...Object.entries(state)]);
    const text = [...whole].filter(([, value]) => value !== "").map(([name, value]) => `${plain(name)}=${plain(value)}`);
    history.replaceState(null, "", text.length ? `#${text.join("&")}` : location.pathname + location.search);
  };

  const strange = (state, known) =>
    [...state.keys()].filter((name) => !known.includes(name)).map((name) => `“${name}” in the address means nothing here.`);

  // A number at or above zero; null where the field is empty, NaN where it holds anything else.
  const amount = (text) => {
    if (text.trim() === "") return null;
    const value = Number(text);
    return Number.isFinite(value) && value >= 0 ? value : NaN;
  };

  const say = (id, lines) => {
    byId(id).replaceChildren(...lines.map((line) => make("p", { class: "notice" }, line)));
  };

  const range = (low, high, text) => `${text(low)} to ${text(high)}`;

  const start = (draw) => {
    document.querySelectorAll("[data-scripted]").forEach((one) => { one.hidden = false; });
    window.addEventListener("hashchange", () => draw(true));
    draw(true);
  };

  return Object.freeze({ grouped, quantity, make, byId, sub, table, link, cellLink, titleOf, read, write, strange, amount, say, range, start });
})();
