// The API's documentation: Swagger UI (loaded before this) over our own description. A key that is entered stays in
// the page: nothing is kept in the browser.
const place = document.getElementById("api");

window.SwaggerUIBundle({
  url: place.dataset.openapi,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
