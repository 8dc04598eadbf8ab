// Starts the API's page: the document of this installation, nothing fetched from elsewhere.
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    docExpansion: "none",
    persistAuthorization: true,
    validatorUrl: null,
  });
});
