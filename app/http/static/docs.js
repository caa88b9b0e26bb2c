"use strict";

const place = document.getElementById("api");
const who = document.getElementById("who");
const BEARER = "bearerAuth";
const KEPT = "leerruimte-persona";

// Swagger UI's summary of an operation is a button that holds a link to itself: two controls in one,
// which a screen reader can not tell. The button does what the link does, so that text is enough.
const calm = (system) => ({
  components: {
    DeepLink: ({ text }) => system.React.createElement("span", null, text),
  },
});

// What Swagger UI leaves without a name, or names otherwise than it reads, gets the name it shows.
const NAMES = [
  ["textarea.body-param__text", () => "Request body"],
  ["tr[data-param-name] :is(input, select, textarea)", (field) => field.closest("tr").dataset.paramName],
  [".close-modal", () => "Close"],
  [".copy-to-clipboard button", () => "Copy"],
];

function mend() {
  for (const [selector, name] of NAMES) {
    for (const one of document.querySelectorAll(`${selector}:not([aria-label])`)) {
      one.setAttribute("aria-label", name(one));
    }
  }
  for (const one of document.querySelectorAll(".modal-btn.auth[aria-label]")) {
    one.removeAttribute("aria-label");
  }
  // What scrolls must be reached by the keyboard.
  for (const one of document.querySelectorAll("pre.microlight:not([tabindex])")) one.tabIndex = 0;
}

// The provider tells by discovery where one signs in; of what it offers the page takes the
// authorization code with PKCE alone.
async function withSignIn(contract) {
  const schemes = contract.components.securitySchemes;
  for (const [name, scheme] of Object.entries(schemes)) {
    if (scheme.type !== "openIdConnect") continue;
    try {
      if (!place.dataset.client) throw new Error("the provider knows no client for this page");
      const found = await (await fetch(scheme.openIdConnectUrl)).json();
      schemes[name] = {
        type: "oauth2",
        description: scheme.description,
        flows: {
          authorizationCode: {
            authorizationUrl: found.authorization_endpoint,
            tokenUrl: found.token_endpoint,
            scopes: { openid: "Who you are" },
          },
        },
      };
    } catch (problem) {
      delete schemes[name];
      tell(`Signing in with the provider is not possible: ${problem.message}.`);
    }
  }
  return contract;
}

function tell(text) {
  who.textContent = text;
}

// Whom a token stands for, as far as the page can read it; the service alone judges it.
function nameOf(token) {
  try {
    const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (one) => one.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).sub;
  } catch {
    return "signed in";
  }
}

// --- The demo's personas --------------------------------------------------------------------------

const buttons = [...document.querySelectorAll("[data-persona]")];

function show(name) {
  for (const button of buttons) {
    const pressed = button.dataset.persona === name;
    button.setAttribute("aria-pressed", String(pressed));
    if (pressed) tell(`You are ${name}: ${button.dataset.title}.`);
  }
}

async function signIn(ui, name) {
  const known = buttons.some((button) => button.dataset.persona === name);
  if (!known) return;
  const address = document.querySelector("[data-token]").dataset.token;
  const body = new URLSearchParams({ grant_type: "password", username: name, password: "demo" });
  const answer = await fetch(address, { method: "POST", body });
  if (!answer.ok) return tell(`Signing in as ${name} did not work.`);
  ui.preauthorizeApiKey(BEARER, (await answer.json()).access_token);
  sessionStorage.setItem(KEPT, name);
  show(name);
}

function nameIn(hash) {
  return hash.startsWith("#as-") ? hash.slice("#as-".length) : null;
}

// --- What the page does ---------------------------------------------------------------------------

function showTask(ui, task) {
  ui.layoutActions.show(["operations-tag", task], true);
  document.getElementById(`operations-tag-${task}`)?.scrollIntoView();
  history.replaceState(null, "", `#/${task}`);
}

function follow(ui) {
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.("a[href], [data-persona]");
      if (!link) return;
      const name = link.dataset.persona ?? nameIn(link.getAttribute("href") ?? "");
      const task = link.dataset.task;
      if (!name && !task) return;
      event.preventDefault();
      if (name) signIn(ui, name);
      else showTask(ui, task);
    },
    true,
  );
  document.getElementById("anew")?.addEventListener("click", () => window.location.reload());
  document.getElementById("provider")?.addEventListener("click", () => {
    document.querySelector(".swagger-ui .btn.authorize").click();
  });
}

// Who signed in with the provider is told by the token that came of it.
function watch(ui) {
  let told = "";
  ui.getStore().subscribe(() => {
    const authorized = ui.authSelectors.authorized().toJS();
    const token = Object.values(authorized).map((one) => one.token?.access_token).find(Boolean) ?? "";
    if (token === told) return;
    told = token;
    tell(token ? `You are ${nameOf(token)}.` : "Nobody is signed in.");
  });
}

async function begin() {
  new MutationObserver(mend).observe(place, { childList: true, subtree: true });
  // Before Swagger UI reads the address as its own.
  const name = nameIn(window.location.hash) ?? sessionStorage.getItem(KEPT);
  const contract = await (await fetch(place.dataset.document)).json();
  const ui = SwaggerUIBundle({
    spec: await withSignIn(contract),
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    // Examples that Swagger UI makes up of patterns say nothing; the form does.
    defaultModelRendering: "model",
    displayRequestDuration: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    oauth2RedirectUrl: new URL("/docs/oauth2-redirect", window.location.href).href,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [calm],
    layout: "BaseLayout",
    onComplete: () => document.body.classList.add("ready"),
  });
  if (place.dataset.client) {
    ui.initOAuth({
      clientId: place.dataset.client,
      scopes: "openid",
      usePkceWithAuthorizationCodeGrant: true,
    });
    watch(ui);
  }
  follow(ui);
  if (name) await signIn(ui, name);
}

begin().catch((problem) => tell(`This page could not be made: ${problem.message}.`));
