// Runs before the first paint, so that a dark page never flashes white. The server knows a signed-in user's choice; "auto"
// and pages without a user are settled here.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => {
    try {
      return localStorage.getItem("whatsflow-theme");
    } catch {
      return null; // storage is blocked
    }
  };
  const apply = () => {
    const choice = root.dataset.themeChoice || remembered() || "auto";
    root.dataset.bsTheme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
  };
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("theme:changed", apply);
})();
