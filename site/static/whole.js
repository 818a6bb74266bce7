"use strict";
// All rows of a board that goes over several pages. This is loaded when somebody sorts or filters, and not before.
const Whole = (() => {
  const CONFIGURATION = ["framework", "version", "technique", "precision", "batch", "backend"];

  // A row that is data until it is listed; its texts are those of its cells.
  class Stored extends Items.Item {
    constructor(data, place, words, table) {
      const at = (name) => data[place[name]];
      const facets = words.configurations[at("configuration")];
      const [low, high] = [at("low"), at("high")];
      super(
        `${at("result")}:${at("cell")}${words.boundary === "device" ? "" : `:${words.boundary}`}`,
        words.systems[at("system")][0], facets, low !== null && high !== null ? [low, high] : null, at("rank"),
      );
      Object.assign(this, { data, place, shared: words, table });
    }

    at(name) {
      return this.data[this.place[name]];
    }

    get line() {
      const [system, systemName] = this.shared.systems[this.at("system")];
      const own = Object.fromEntries(Object.entries(this.place).map(([name, index]) => [name, this.data[index]]));
      const { root } = this.table;
      return {
        ...own, ...this.facets, id: this.id, system, systemName, root,
        boundary: this.shared.boundary, class: this.shared.class, link: `${root}results/${own.result}/${own.cell}.html`,
        reasons: own.reasons.map((index) => this.shared.reasons[index]),
      };
    }

    // Made when it is asked for, kept while it stands in the document.
    get row() {
      this.made ??= this.table.make(this.line);
      return this.made;
    }

    forget() {
      if (!this.made?.isConnected) this.made = undefined;
    }

    said() {
      const { framework, version, technique, precision, batch } = this.facets;
      const told = ["energy", "interval", "floor", "limit", "rate", "power", "repeats", "grade", "weakest", "date", "step"];
      return [
        this.shared.systems[this.at("system")][1], `${framework} ${version ?? ""} ${technique} ${precision} batch ${batch}`,
        ...told.map((name) => this.at(name) ?? ""), ...this.at("reasons").map((index) => this.shared.reasons[index][0].replaceAll("_", " ")),
        this.at("asks") ? "second run asked for" : "", this.shared.class, this.shared.boundary,
      ];
    }

    value(key) {
      if (key === "rank") return this.rank?.best ?? null;
      return VALUES[key](this);
    }
  }

  const VALUES = {
    system: (item) => item.shared.systems[item.at("system")][1],
    energy: (item) => item.at("joules"),
    interval: (item) => item.at("low"),
    floor: (item) => item.at("excess"),
    speed: (item) => item.at("speed"),
    power: (item) => item.at("watts"),
    framework: (item) => item.facets.sorted.framework,
    precision: (item) => item.facets.sorted.precision,
    repeats: (item) => item.at("repeats"),
    grade: (item) => item.at("grade"),
    class: (item) => item.shared.class,
    date: (item) => item.at("date"),
  };

  const configured = (values) => {
    const found = Object.fromEntries(CONFIGURATION.map((name, index) => [name, values[index]]));
    const framework = [found.framework, found.version, found.technique].filter(Boolean).join(" ");
    return { ...found, sorted: { framework, precision: `${found.precision} batch ${found.batch}` } };
  };

  const stored = (part, table) => {
    const place = Object.fromEntries(part.columns.map((name, index) => [name, index]));
    const words = { ...part, configurations: part.configurations.map(configured) };
    return part.rows.map((row) => new Stored(row, place, words, table));
  };

  // Every row of the board in the board's order, from the scripts that have been read. `table` is {root, make(line): row}.
  const items = (table) => {
    const parts = Object.entries(globalThis.joulemarkBoard).sort((one, other) => one[0] - other[0]);
    return parts.flatMap((part) => stored(part[1], table));
  };

  return { items };
})();
