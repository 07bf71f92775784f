// The few document helpers the views share; text only ever becomes text nodes.

export const byId = (id) => document.getElementById(id);

/** Makes an element: `make("p", {className: "x", onclick: f}, "text", child)`. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  return make("span", { className: `icon icon-${name}`, "aria-hidden": "true" });
}

/** Puts the language's words into every element that names the ones it wants. */
export function label(root, words) {
  const { say } = words;
  document.documentElement.lang = words.language === "zh" ? "zh-CN" : "en";
  document.title = say("app.title");
  for (const element of root.querySelectorAll("[data-say]")) {
    element.textContent = say(element.dataset.say);
  }
  for (const element of root.querySelectorAll("[data-say-label]")) {
    const text = say(element.dataset.sayLabel);
    element.setAttribute("aria-label", text);
    if (element.tagName === "BUTTON") element.title = text;
  }
  for (const element of root.querySelectorAll("[data-say-placeholder]")) {
    element.placeholder = say(element.dataset.sayPlaceholder);
  }
}

/** Changes the text only when it differs, so that screen readers are not told twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
