(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("mulligan.theme");
  } catch {
    // Storage can be switched off; the system's theme is used then.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
