"use strict";
// The fields above a table: each is {element, show(state)} and calls change(patch of the state, whether it is typing).
const Controls = (() => {
  const { make } = Elements;

  const search = (change) => {
    const input = make("input", { type: "search", autocomplete: "off" });
    input.addEventListener("input", () => change(() => ({ q: input.value }), true));
    const show = (state) => { if (input.value !== state.q) input.value = state.q; };
    return { element: make("label", {}, "Show rows with ", input), show };
  };

  const best = (change) => {
    const input = make("input", { type: "checkbox" });
    input.addEventListener("change", () => change(() => ({ best: input.checked })));
    return { element: make("label", { className: "one" }, input, " Best row of each system"), show: (state) => { input.checked = state.best; } };
  };

  const boxes = (title, options, chosen, choose) => {
    const inputs = options.map(([value]) => make("input", { type: "checkbox", value }));
    const labels = options.map(([, name], index) => make("label", {}, inputs[index], " ", name));
    const element = make("fieldset", {}, make("legend", {}, title), ...labels);
    element.addEventListener("change", () => choose(inputs.filter((input) => input.checked).map((input) => input.value)));
    const show = (state) => inputs.forEach((input) => { input.checked = chosen(state).includes(input.value); });
    return { element, show };
  };

  const facet = (name, values, change) =>
    boxes(
      name[0].toUpperCase() + name.slice(1),
      values.map((value) => [value, value]),
      (state) => state.facets[name] ?? [],
      (chosen) => change((state) => {
        const { [name]: _, ...others } = state.facets;
        return { facets: chosen.length ? { ...others, [name]: chosen } : others };
      }),
    );

  // In the column's unit on the page, in the data's unit in the state: the first follows the data, and links must not.
  const inUnit = (value, column) => `${Number((value / column.factor).toPrecision(12))}`;

  const bound = (column, side, change) => {
    const input = make("input", { type: "number", step: "any" });
    input.addEventListener("change", () => change((state) => {
      const { [column.key]: _, ...others } = state[side];
      const value = Number((input.valueAsNumber * column.factor).toPrecision(12));
      return { [side]: Number.isFinite(value) ? { ...others, [column.key]: value } : others };
    }));
    const show = (state) => { input.value = column.key in state[side] ? inUnit(state[side][column.key], column) : ""; };
    return { element: make("label", {}, side === "least" ? "at least " : "at most ", input), show };
  };

  const range = (column, change) => {
    const ends = [bound(column, "least", change), bound(column, "most", change)];
    const element = make("fieldset", {}, make("legend", {}, column.name), ...ends.map((end) => end.element));
    return { element, show: (state) => ends.forEach((end) => end.show(state)) };
  };

  const columns = (optional, change) => {
    const keys = optional.map((column) => column.key);
    return boxes(
      "Columns shown",
      optional.map((column) => [column.key, column.name]),
      (state) => state.columns ?? keys,
      (chosen) => change(() => ({ columns: chosen.length < keys.length ? chosen : null })),
    );
  };

  const listed = (change) => {
    const options = State.LISTED.map((value) => make("option", { value }, value));
    const select = make("select", {}, ...options);
    select.addEventListener("change", () => change(() => ({ listed: select.value })));
    return { element: make("label", {}, "List ", select, " rows"), show: (state) => { select.value = state.listed; } };
  };

  // The way through a list that is too long for one page; `go` takes a page's number.
  const pages = (go) => {
    const told = make("span", {});
    const ways = [["Previous", -1], ["Next", 1]].map(([text, step]) => [step, make("button", { type: "button" }, text)]);
    const element = make("nav", { className: "pages" }, make("p", {}, told, ...ways.map((way) => way[1])));
    element.setAttribute("aria-label", "Pages of the rows that were found");
    let here = 1;
    ways.forEach(([step, button]) => button.addEventListener("click", () => go(here + step)));
    const show = ({ page, pages: all }) => {
      here = page;
      element.hidden = all === 1;
      told.textContent = `Page ${page} of ${all} `;
      ways.forEach(([step, button]) => { button.hidden = here + step < 1 || here + step > all; });
    };
    return { element, show };
  };

  const folded = (title, parts) => ({
    element: make("details", {}, make("summary", {}, title), make("div", { className: "choices" }, ...parts.map((part) => part.element))),
    show: (state) => parts.forEach((part) => part.show(state)),
  });

  return { search, best, facet, range, columns, listed, pages, folded, inUnit };
})();
