"use strict";
// The rows of a table, each with its texts and values read once. One of them has {id, system, facets, interval, row,
// value(column), text()}; `standing` is its rank on the whole board, null where it has none.
const Items = (() => {
  class Item {
    constructor(id, system, facets, interval, rank) {
      Object.assign(this, { id, system, facets, interval });
      this.standing = rank === null ? null : { text: rank, best: Number(rank.split("–")[0]) };
      this.rank = this.standing;
    }

    // Without the rank, which follows from what was searched for.
    text() {
      this.words ??= this.said().join(" ").toLowerCase();
      return this.words;
    }

    // Let go of what can be made again.
    forget() {}

    writeRank() {
      const cell = this.standing && this.row.querySelector("[data-ranked]");
      if (cell && cell.textContent !== this.rank.text) cell.textContent = this.rank.text;
    }
  }

  // A row that stands in the document.
  class Shown extends Item {
    constructor(row, columns, facets) {
      const { dataset } = row;
      const chosen = Object.fromEntries(facets.map((name) => [name, dataset[name]]));
      const interval = dataset.low && dataset.high ? [Number(dataset.low), Number(dataset.high)] : null;
      super(dataset.row, dataset.system, chosen, interval, row.querySelector("[data-ranked]")?.textContent ?? null);
      Object.assign(this, { row, columns, values: new Map() });
    }

    said() {
      return Array.from(this.row.cells, (cell) => ("ranked" in cell.dataset ? "" : cell.textContent));
    }

    value(key) {
      if (key === "rank" && this.standing) return this.rank.best;
      if (!this.values.has(key)) {
        const cell = this.row.cells[this.columns.get(key)];
        this.values.set(key, Rows.key(cell.dataset.value ?? cell.textContent.trim()));
      }
      return this.values.get(key);
    }
  }

  return { Item, Shown };
})();
