"use strict";
// Light or dark: as the system has it, or as the reader chose. Runs before the page is drawn.
(() => {
  const KEY = "joulemark-theme";
  const THEMES = ["auto", "dark", "light"];

  // A browser may forbid storage, above all to pages opened from disk; the choice then lasts as long as the page.
  const stored = () => {
    try { return localStorage.getItem(KEY); } catch { return null; }
  };
  const store = (theme) => {
    try { localStorage.setItem(KEY, theme); } catch { /* nothing to remember it in */ }
  };

  let theme = THEMES.includes(stored()) ? stored() : "auto";

  const show = (button) => {
    document.documentElement.dataset.theme = theme;
    if (button) button.textContent = `Theme: ${theme}`;
  };

  const addButton = () => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "theme";
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      store(theme);
      show(button);
    });
    document.querySelector(".top .wrap").append(button);
    show(button);
  };

  show(null);
  document.addEventListener("DOMContentLoaded", addButton);
})();
