"use strict";
// Tables that are complete without it are sorted, filtered, ranked anew and picked from; the address says how.
const Tables = (() => {
  const { make } = Controls;
  const FEW = 8; // Fewer rows than this are seen at a glance.

  const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-");

  const columnOf = (header, index) => {
    const name = header.dataset.name ?? header.firstChild?.textContent.trim() ?? "";
    const { key, factor, fixed } = header.dataset;
    return { header, index, name, key: key ?? slug(name), factor: Number(factor ?? "1"), isRange: !!factor, isFixed: fixed === "" };
  };

  // One row, with each of its texts and values read once.
  class Item {
    constructor(row, columns, facets) {
      this.row = row;
      this.columns = columns;
      this.id = row.dataset.row;
      this.facets = Object.fromEntries(facets.map((name) => [name, row.dataset[name]]));
      this.rankCell = row.querySelector("[data-ranked]");
      this.standing = this.rankCell && { text: this.rankCell.textContent, best: Number(this.rankCell.dataset.value) };
      this.rank = this.standing;
      this.values = new Map();
    }

    get system() {
      return this.row.dataset.system;
    }

    get interval() {
      const { low, high } = this.row.dataset;
      return low && high ? [Number(low), Number(high)] : null;
    }

    // Without the rank, which follows from what was searched for.
    text() {
      const said = () => Array.from(this.row.cells, (cell) => (cell === this.rankCell ? "" : cell.textContent));
      this.words ??= said().join(" ").toLowerCase();
      return this.words;
    }

    value(key) {
      if (key === "rank" && this.rank) return this.rank.best;
      if (!this.values.has(key)) {
        const cell = this.row.cells[this.columns.get(key)];
        this.values.set(key, Rows.key(cell.dataset.value ?? cell.textContent.trim()));
      }
      return this.values.get(key);
    }

    writeRank() {
      if (this.rankCell && this.rankCell.textContent !== this.rank.text) this.rankCell.textContent = this.rank.text;
    }
  }

  class View {
    constructor(table) {
      this.table = table;
      this.body = table.tBodies[0];
      this.head = table.tHead.rows[0];
      this.isLinked = "linked" in table.dataset;
      this.picks = new Map();
      if ("compare" in table.dataset) this.addPicks();
      this.read();
      this.columns.filter((column) => !column.isFixed).forEach((column) => this.addButton(column));
      this.controls = [];
      if ("filtered" in table.dataset && (this.isLinked || this.items.length >= FEW)) this.addTools();
      ({ state: this.state, unknown: this.unknown } = State.read(this.isLinked ? this.address : "", this.shape));
      if (this.isLinked) window.addEventListener("hashchange", () => this.follow());
      this.show();
    }

    // Whether any system has more than one row here.
    get repeatsSystems() {
      return this.isLinked && Rows.firsts(this.items, (item) => item.system).length < this.items.length;
    }

    get address() {
      return State.isState(location.hash) ? location.hash : "";
    }

    addPicks() {
      const header = make("th", { scope: "col", className: "pick" }, make("span", { className: "hidden" }, "Compare"));
      header.dataset.fixed = "";
      this.head.prepend(header);
      this.table.classList.add("picks");
      for (const row of this.body.rows) {
        const box = make("input", { type: "checkbox", value: row.dataset.row });
        box.setAttribute("aria-label", `Compare ${row.dataset.label}`);
        row.prepend(make("td", { className: "pick" }, box));
        this.picks.set(row.dataset.row, box);
      }
      this.body.addEventListener("change", (event) => this.pick(event.target));
    }

    read() {
      const facets = (this.table.dataset.facets ?? "").split(" ").filter(Boolean);
      const all = Array.from(this.head.cells, columnOf);
      const places = new Map(all.map((column) => [column.key, column.index]));
      this.items = Array.from(this.body.rows, (row) => new Item(row, places, facets));
      this.columns = all.filter((column) => !column.header.classList.contains("pick"));
      this.optional = this.columns.filter((column) => !column.header.classList.contains("name"));
      this.shape = {
        sortable: this.columns.filter((column) => !column.isFixed).map((column) => column.key),
        optional: this.optional.map((column) => column.key),
        facets: Object.fromEntries(facets.map((name) => [name, this.valuesOf(name)])),
        ranges: this.columns.filter((column) => column.isRange).map((column) => column.key),
        rows: this.items.map((item) => item.id),
      };
    }

    valuesOf(facet) {
      return [...new Set(this.items.map((item) => item.facets[facet]))].sort(Rows.compare);
    }

    addButton({ header, key }) {
      const button = make("button", { type: "button" }, ...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => this.change((state) => ({
        sort: key, dir: state.sort === key && state.dir === "asc" ? "desc" : "asc",
      })));
    }

    addTools() {
      const change = this.change.bind(this);
      const choices = [
        ...Object.entries(this.shape.facets).filter((facet) => facet[1].length > 1).map(([name, values]) => Controls.facet(name, values, change)),
        ...this.columns.filter((column) => column.isRange).map((column) => Controls.range(column, change)),
      ];
      this.controls = [Controls.search(change)];
      if (this.repeatsSystems) this.controls.push(Controls.best(change));
      if (choices.length) this.controls.push(Controls.folded("Filters", choices));
      if (this.isLinked) this.controls.push(Controls.folded("Columns", [Controls.columns(this.optional, change)]));
      if (this.items.length > 10) this.controls.push(Controls.listed(change));
      if (this.isLinked) this.controls.push(Saving.button(this));
      this.status = make("p", { className: "status" });
      this.status.setAttribute("role", "status");
      this.chips = make("p", { className: "chips" });
      const tools = make("div", { className: "fields" }, ...this.controls.map((control) => control.element), this.chips, this.status);
      this.table.closest(".scroll").before(tools);
    }

    pick(box) {
      const others = this.state.picked.filter((id) => id !== box.value);
      const tooMany = box.checked && others.length === State.MOST_PICKED;
      this.change(() => ({ picked: box.checked && !tooMany ? [...others, box.value] : others }));
      if (tooMany) this.status.textContent = `At most ${State.MOST_PICKED} rows are compared at once. ${this.status.textContent}`;
    }

    // `change` is what becomes of the state. Typing stays one step for the way back.
    change(change, isTyping = false) {
      this.state = { ...this.state, ...change(this.state) };
      this.unknown = [];
      if (this.isLinked) this.remember(isTyping);
      this.show();
    }

    remember(isTyping) {
      const hash = State.write(this.state, this.shape);
      const address = `${location.href.split("#")[0]}${hash && "#"}${hash}`;
      if (address === location.href) return;
      history[isTyping && this.wasTyping ? "replaceState" : "pushState"](null, "", address);
      this.wasTyping = isTyping;
    }

    follow() {
      if (!State.isState(location.hash)) return;
      ({ state: this.state, unknown: this.unknown } = State.read(location.hash, this.shape));
      this.wasTyping = false;
      this.show();
    }

    show() {
      const inForce = Rows.filters(this.state);
      const matching = inForce.length ? Rows.matching(this.items, inForce) : this.items;
      const found = this.state.best ? Rows.firsts(matching, (item) => item.system) : matching;
      this.rank(found, inForce.length > 0 || this.state.best);
      const { sort, dir, listed } = this.state;
      const ordered = sort ? Rows.sorted(found, (item) => item.value(sort), dir === "desc") : found;
      this.ordered = ordered;
      this.list(listed === "all" ? ordered : ordered.slice(0, Number(listed)));
      this.showHeaders();
      this.controls.forEach((control) => control.show(this.state));
      if (this.status) this.tell(found, inForce);
    }

    // Among the rows that were found; the page's own ranks, which may count other pages' rows, where nothing is filtered.
    rank(found, isFiltered) {
      const ranked = found.filter((item) => item.rankCell);
      const bands = isFiltered ? Rows.bands(ranked.map((item) => item.interval)) : [];
      ranked.forEach((item, index) => {
        item.rank = isFiltered ? { text: Rows.bandText(bands[index]), best: bands[index][0] } : item.standing;
      });
    }

    // Only listed rows are in the document: thousands of rows would take the browser seconds to lay out.
    // Rows that stay as they are stay untouched, and so does the focus within them.
    list(items) {
      items.forEach((item) => item.writeRank());
      if (items.length === this.body.rows.length && items.every((item, index) => item.row === this.body.rows[index])) return;
      const rows = document.createDocumentFragment();
      items.forEach((item) => rows.append(item.row));
      this.body.replaceChildren(rows);
    }

    showHeaders() {
      const { sort, dir, columns, picked } = this.state;
      for (const { header, key } of this.columns) {
        if (key === sort) header.setAttribute("aria-sort", dir === "desc" ? "descending" : "ascending");
        else header.removeAttribute("aria-sort");
      }
      const gone = columns ? this.optional.filter((column) => !columns.includes(column.key)) : [];
      this.table.dataset.gone = gone.map((column) => column.index + 1).join(" ");
      this.picks.forEach((box, id) => { box.checked = picked.includes(id); });
    }

    tell(found, inForce) {
      this.status.textContent = [State.sentence(this.unknown), ...this.counts(found, inForce)].filter(Boolean).join(" ");
      const best = this.state.best ? [{ name: "best", without: { ...this.state, best: false } }] : [];
      const all = [...inForce, ...best];
      this.chips.replaceChildren(...all.map((filter) => this.chip(filter)), ...this.links(all));
    }

    counts(found, inForce) {
      const [here, all] = [this.items.length, Number(this.table.dataset.total ?? this.items.length)];
      const ranks = this.items.some((item) => item.rankCell) ? `; ranks are among these ${found.length}, not all ${all}` : "";
      const listed = this.state.listed === "all" ? Infinity : Number(this.state.listed);
      return [
        inForce.length ? `${found.length} of ${here} rows match${this.state.best ? ", each the best of its system" : ""}${found.length ? ranks : ""}.` : "",
        this.state.best && !inForce.length ? `${found.length} of ${here} rows, each the best of its system${ranks}.` : "",
        found.length ? "" : this.advice(inForce),
        found.length > listed ? `The first ${listed} are listed.` : "",
        here < all ? `This page holds ${here} of ${all} rows; sorting and filters see no others.` : "",
      ];
    }

    advice(inForce) {
      if (!inForce.length) return "";
      const { filter, rows } = Rows.relaxed(this.items, inForce);
      return `Without “${this.nameOf(filter)}” there would be ${rows}.`;
    }

    nameOf({ name, value, side }) {
      if (name === "best") return "best row of each system";
      if (name === "q") return `with “${value}”`;
      if (!side) return `${name}: ${value}`;
      const column = this.columns.find((one) => one.key === name);
      return `${column.name} at ${side} ${Controls.inUnit(value, column)}`;
    }

    chip(filter) {
      const button = make("button", { type: "button", className: "chip" }, this.nameOf(filter), " ×");
      button.setAttribute("aria-label", `Remove filter ${this.nameOf(filter)}`);
      button.addEventListener("click", () => this.drop(filter.without));
      return button;
    }

    // The pressed button goes with its filter, so the focus moves to a field that stays.
    drop(state) {
      this.change(() => state);
      this.controls[0].element.querySelector("input").focus();
    }

    links(inForce) {
      const clear = make("button", { type: "button", className: "clear" }, "Clear filters");
      clear.addEventListener("click", () => this.drop({ q: "", best: false, facets: {}, least: {}, most: {} }));
      const { picked } = this.state;
      const rows = picked.map(encodeURIComponent).join(",").replaceAll("%3A", ":");
      const compare = make("a", { className: "compare", href: `${this.table.dataset.compare}#rows=${rows}` }, `Compare ${picked.length} rows`);
      return [...(inForce.length ? [clear] : []), ...(picked.length > 1 ? [compare] : [])];
    }
  }

  return Array.from(document.querySelectorAll("table[data-sortable]"), (table) => new View(table));
})();
