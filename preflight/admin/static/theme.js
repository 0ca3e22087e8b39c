// The colour scheme that the reader chose, before anything is drawn. Kept in this browser only.
"use strict";
(() => {
  const root = document.documentElement;
  const chosen = () => {
    try { return localStorage.getItem("preflight-theme") || "system"; } catch { return "system"; }
  };
  const show = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  show(chosen());
  document.addEventListener("DOMContentLoaded", () => {
    const radio = document.getElementById(`theme-${chosen()}`);
    if (radio) radio.checked = true;
  });
  document.addEventListener("change", (event) => {
    if (event.target.name !== "theme") return;
    show(event.target.value);
    try { localStorage.setItem("preflight-theme", event.target.value); } catch { /* nothing is kept then */ }
  });
})();
