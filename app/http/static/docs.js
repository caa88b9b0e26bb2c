"use strict";

const page = document.getElementById("api");

const ui = SwaggerUIBundle({
  url: page.dataset.document,
  domNode: page,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  oauth2RedirectUrl: new URL("/docs/oauth2-redirect", window.location.href).href,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});

ui.initOAuth({
  clientId: "docs",
  scopes: "openid",
  usePkceWithAuthorizationCodeGrant: true,
});
