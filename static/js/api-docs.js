// The API's documentation: Swagger UI (loaded before this) over our own description. A key that is entered stays in
// the page: nothing is kept in the browser.
const place = document.getElementById("api");
const root = document.documentElement;

// Swagger UI knows a dark page by a class of its own.
function dress() {
  root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
}

dress();
new MutationObserver(dress).observe(root, { attributeFilter: ["data-bs-theme"] });

window.SwaggerUIBundle({
  url: place.dataset.openapi,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
