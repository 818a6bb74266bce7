"use strict";
// Sorting and filtering of tables that are complete without it.
(() => {
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.hasAttribute("data-value") ? cell.getAttribute("data-value") : cell.textContent.trim();
  };

  // Numbers by size, text by name, unknown always last.
  const order = (sign) => (one, other) => {
    if (one === other) return 0;
    if (one === "" || other === "") return one === "" ? 1 : -1;
    const difference = Number(one.replaceAll(",", "")) - Number(other.replaceAll(",", ""));
    return sign * (Number.isNaN(difference) ? one.localeCompare(other) : difference);
  };

  const sort = (table, header, column) => {
    const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const compare = order(sign);
    const keyed = Array.from(body.rows, (row) => [value(row, column), row]);
    keyed.sort((one, other) => compare(one[0], other[0]));
    body.append(...keyed.map((pair) => pair[1]));
  };

  const makeSortable = (table) => {
    table.querySelectorAll("thead th:not([data-fixed])").forEach((header) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => sort(table, header, header.cellIndex));
    });
  };

  const makeFilter = (table) => {
    const rows = Array.from(table.tBodies[0].rows);
    if (rows.length < 8) return;
    const box = document.createElement("div");
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("span");
    box.className = "filter";
    label.textContent = "Show rows with ";
    input.type = "search";
    input.autocomplete = "off";
    count.setAttribute("role", "status");
    label.append(input);
    box.append(label, count);
    table.closest(".scroll").before(box);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row) => {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      });
      count.textContent = words.length ? `${shown} of ${rows.length} rows; ranks count all of them` : "";
    });
  };

  document.querySelectorAll("table[data-sortable]").forEach(makeSortable);
  document.querySelectorAll("table[data-filtered]").forEach(makeFilter);
})();
