"use strict";
// The rows that a table shows, in its order and with its columns, as a file for a spreadsheet.
const Saving = (() => {
  // A spreadsheet takes some texts for formulas: these get an apostrophe in front, as in the site's own downloads.
  const defused = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

  // Figures without the commas between their thousands; all else as it stands.
  const plain = (text) => (/^\d{1,3}(,\d{3})+(\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text);

  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  const csv = (lines) => lines.map((line) => `${line.map((text) => quoted(defused(plain(text)))).join(",")}\r\n`).join("");

  // What stands in different elements is different words.
  const words = (node) => Array.from(node.childNodes, wordsOf);
  const wordsOf = (child) => {
    if (child.nodeType === Node.TEXT_NODE) return child.data;
    return child.classList.contains("narrow") ? [] : words(child); // which repeats what columns say
  };
  const text = (cell) =>
    cell.querySelector(":scope > .unknown") ? "" : words(cell).flat(Infinity).join(" ").replace(/\s+/g, " ").trim();

  const lines = (view) => {
    const gone = (view.table.dataset.gone ?? "").split(" ").map(Number);
    const shown = view.columns.filter((column) => !column.isFixed && !gone.includes(column.index + 1));
    const rows = view.ordered.map((item) => {
      const { cells } = item.row;
      item.forget();
      return [item.id, ...shown.map((column) => text(cells[column.index]))];
    });
    return [["row", ...shown.map((column) => text(column.header))], ...rows];
  };

  const save = async (view) => {
    await view.complete();
    view.show();
    const name = document.querySelector("h1").textContent.trim().toLowerCase().replace(/[^a-z0-9]+/g, "-");
    const address = URL.createObjectURL(new Blob(["\ufeff", csv(lines(view))], { type: "text/csv" }));
    const link = Elements.make("a", { href: address, download: `${name}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };

  const button = (view) => {
    const element = Elements.make("button", { type: "button", textContent: "Save as CSV" });
    element.addEventListener("click", () => save(view));
    return { element, show: () => {} };
  };

  return { csv, button };
})();
