"use strict";
// Tables that are complete without it are sorted, filtered, ranked anew and picked from; the address says how.
const Tables = (() => {
  const { make, added } = Elements;
  const FEW = 8; // Fewer rows than this are seen at a glance.

  const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-");

  const columnOf = (header, index) => {
    const name = header.dataset.name ?? header.firstChild?.textContent.trim() ?? "";
    const { key, factor, fixed } = header.dataset;
    return { header, index, name, key: key ?? slug(name), factor: Number(factor ?? "1"), isRange: !!factor, isFixed: fixed === "" };
  };

  class View {
    constructor(table) {
      this.table = table;
      this.body = table.tBodies[0];
      this.head = table.tHead.rows[0];
      this.isLinked = "linked" in table.dataset;
      this.scripts = (table.dataset.scripts ?? "").split(" ").filter(Boolean);
      if ("compare" in table.dataset) this.addPicks();
      this.read();
      this.columns.filter((column) => !column.isFixed).forEach((column) => this.addButton(column));
      this.controls = [];
      if ("filtered" in table.dataset && (this.isLinked || this.items.length >= FEW)) this.addTools();
      this.addPages();
      this.readAddress();
      if (this.isLinked) window.addEventListener("hashchange", () => this.follow());
      this.show();
    }

    // Whether rows of this table stand on other pages only.
    get isPart() {
      return this.scripts.length > 0;
    }

    // Whether any system has more than one row.
    get repeatsSystems() {
      return this.isLinked && (this.isPart || Rows.firsts(this.items, (item) => item.system).length < this.items.length);
    }

    // How many rows there are on all pages.
    get total() {
      return Number(this.table.dataset.total ?? this.items.length);
    }

    get address() {
      return State.isState(location.hash) ? location.hash : "";
    }

    addPicks() {
      const header = make("th", { scope: "col", className: "pick" }, make("span", { className: "hidden" }, "Compare"));
      header.dataset.fixed = "";
      this.head.prepend(header);
      this.table.classList.add("picks");
      for (const row of this.body.rows) this.addPick(row);
      this.body.addEventListener("change", (event) => this.pick(event.target));
    }

    addPick(row) {
      const box = make("input", { type: "checkbox", value: row.dataset.row });
      box.setAttribute("aria-label", `Compare ${row.dataset.label}`);
      row.prepend(make("td", { className: "pick" }, box));
      return row;
    }

    read() {
      const facets = JSON.parse(this.table.dataset.facets ?? "{}");
      const all = Array.from(this.head.cells, columnOf);
      const places = new Map(all.map((column) => [column.key, column.index]));
      this.items = Array.from(this.body.rows, (row) => new Items.Shown(row, places, Object.keys(facets)));
      this.columns = all.filter((column) => !column.header.classList.contains("pick"));
      this.optional = this.columns.filter((column) => !column.header.classList.contains("name"));
      this.shape = {
        sortable: this.columns.filter((column) => !column.isFixed).map((column) => column.key),
        optional: this.optional.map((column) => column.key),
        facets,
        ranges: this.columns.filter((column) => column.isRange).map((column) => column.key),
        rows: this.isPart ? null : this.items.map((item) => item.id),
      };
    }

    readAddress() {
      ({ state: this.state, unknown: this.unknown } = State.read(this.isLinked ? this.address : "", this.shape));
    }

    // Once the rows of all pages are read: this page's own give way to them. Where they are not there, they stay, and it is told.
    async complete() {
      if (!this.isPart) return;
      const keys = this.columns.map((column) => column.key);
      const root = this.table.dataset.root;
      this.reading ??= Promise.all(this.scripts.map((src) => added(make("script", { src, async: false }))))
        .then(() => { this.items = Whole.items({ root, make: (line) => this.addPick(Lines.row(line, keys)) }); }, () => {})
        .finally(() => { this.scripts = []; this.shape.rows = this.items.map((item) => item.id); this.readAddress(); });
      await this.reading;
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

    addPages() {
      this.inDocument = this.items;
      const scroll = this.table.closest(".scroll");
      this.pages = Controls.pages((page) => {
        this.change(() => ({ page }));
        scroll.focus();
      });
      this.written = scroll.nextElementSibling?.matches("nav.pages") ? scroll.nextElementSibling : null;
      scroll.after(this.pages.element);
    }

    pick(box) {
      const others = this.state.picked.filter((id) => id !== box.value);
      const tooMany = box.checked && others.length === State.MOST_PICKED;
      this.change(() => ({ picked: box.checked && !tooMany ? [...others, box.value] : others }));
      if (tooMany) this.status.textContent = `At most ${State.MOST_PICKED} rows are compared at once. ${this.status.textContent}`;
    }

    // `change` is what becomes of the state. Typing stays one step for the way back.
    change(change, isTyping = false) {
      const patch = change(this.state);
      const stays = ["page", "columns", "picked"].some((name) => name in patch);
      this.state = { ...this.state, ...(stays ? {} : { page: 1 }), ...patch };
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
      this.readAddress();
      this.wasTyping = false;
      this.show();
    }

    show() {
      this.controls.forEach((control) => control.show(this.state));
      if (this.isPart && State.isOfRows(this.state)) {
        this.status.textContent = `Reading all ${this.total} rows…`;
        this.complete().then(() => this.show());
        return;
      }
      const inForce = Rows.filters(this.state);
      const matching = inForce.length ? Rows.matching(this.items, inForce) : this.items;
      const found = this.state.best ? Rows.firsts(matching, (item) => item.system) : matching;
      this.rank(found, inForce.length > 0 || this.state.best);
      const { sort, dir } = this.state;
      this.ordered = sort ? Rows.sorted(found, (item) => item.value(sort), dir === "desc") : found;
      this.listed = Rows.page(this.ordered.length, this.state);
      this.list(this.ordered.slice(this.listed.first - 1, this.listed.last));
      this.showHeaders();
      this.pages.show(this.listed);
      if (this.written) this.written.hidden = this.items.length === this.total;
      if (this.status) this.tell(found, inForce);
    }

    // Among the rows that were found; the page's own ranks, which may count other pages' rows, where nothing is filtered.
    rank(found, isFiltered) {
      const ranked = found.filter((item) => item.standing);
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
      this.inDocument.forEach((item) => item.forget());
      this.inDocument = items;
    }

    showHeaders() {
      const { sort, dir, columns, picked } = this.state;
      for (const { header, key } of this.columns) {
        if (key === sort) header.setAttribute("aria-sort", dir === "desc" ? "descending" : "ascending");
        else header.removeAttribute("aria-sort");
      }
      const gone = columns ? this.optional.filter((column) => !columns.includes(column.key)) : [];
      this.table.dataset.gone = gone.map((column) => column.index + 1).join(" ");
      for (const box of this.body.querySelectorAll(".pick input")) box.checked = picked.includes(box.value);
    }

    tell(found, inForce) {
      const said = [State.sentence(this.unknown), ...Telling.counts(this, found, inForce)];
      this.status.textContent = said.filter(Boolean).join(" ");
      this.chips.replaceChildren(...Telling.chips(this, inForce));
    }

    // The pressed button goes with its filter, so the focus moves to a field that stays.
    drop(state) {
      this.change(() => state);
      this.controls[0].element.querySelector("input").focus();
    }
  }

  return Array.from(document.querySelectorAll("table[data-sortable]"), (table) => new View(table));
})();
