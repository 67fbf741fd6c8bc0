// Shows each message as Slack would. Text from messages becomes text nodes only, never markup.
"use strict";

const EMOJI = { fire: "🔥", warning: "⚠️", white_check_mark: "✅", rotating_light: "🚨", red_circle: "🔴", large_green_circle: "🟢",
  large_orange_circle: "🟠", large_yellow_circle: "🟡", large_blue_circle: "🔵", no_entry: "⛔", bell: "🔔", eyes: "👀", wrench: "🔧" };

function el(tag, cls, ...children) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
const emoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);
const plain = (text) => document.createTextNode(emoji(unescape(text)));

function link(url, label) {
  const address = unescape(url);
  if (!/^(https?:|mailto:)/i.test(address)) return plain(label ?? url);
  const a = el("a", "", plain(label ?? url));
  a.href = address;
  a.target = "_blank";
  a.rel = "noopener noreferrer";
  return a;
}

function angle(inside) {
  const [target, label] = inside.split("|", 2);
  if (target.startsWith("@")) return el("span", "mention", "@" + (label ?? target.slice(1)));
  if (target.startsWith("#")) return el("span", "mention", "#" + (label ?? target.slice(1)));
  if (target.startsWith("!date^")) {
    const seconds = Number(target.split("^")[1]);
    const when = el("time", "", Number.isFinite(seconds) ? new Date(seconds * 1000).toLocaleString() : label ?? "");
    when.title = label ?? "";
    return when;
  }
  if (target.startsWith("!")) return el("span", "mention", "@" + target.slice(1));
  return link(target, label);
}

// Slack's mrkdwn: *bold*, _italic_, ~struck~, `code`, ```block```, > quote, <link|label>, <@user>.
function mrkdwn(text) {
  const out = document.createDocumentFragment();
  const pattern = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>]+)>|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<![\w_])_([^_\n]+)_(?![\w_])|(?<![\w~])~([^~\n]+)~(?![\w~])/g;
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    out.append(plain(text.slice(from, match.index)));
    from = match.index + match[0].length;
    if (match[1] !== undefined) out.append(el("pre", "", unescape(match[1])));
    else if (match[2] !== undefined) out.append(el("code", "", unescape(match[2])));
    else if (match[3] !== undefined) out.append(angle(match[3]));
    else if (match[4] !== undefined) out.append(el("b", "", mrkdwn(match[4])));
    else if (match[5] !== undefined) out.append(el("i", "", mrkdwn(match[5])));
    else out.append(el("s", "", mrkdwn(match[6])));
  }
  out.append(plain(text.slice(from)));
  return out;
}

const shown = (object) => (object?.type === "mrkdwn" ? mrkdwn(object.text) : document.createTextNode(emoji(object?.text ?? "")));

function image(block) {
  const node = el("img", "image");
  if (/^https?:/i.test(block.image_url ?? "")) node.src = block.image_url;
  node.alt = block.alt_text ?? "";
  node.loading = "lazy";
  return node;
}

// Sends what Slack would; `chosen` is who was picked in a menu of people.
async function send(node, context, place, chosen) {
  const person = document.getElementById("person");
  const user = { id: person.value, name: person.selectedOptions[0].textContent };
  node.disabled = true;
  let trouble = "";
  try {
    const answer = await fetch("/press", { method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ts: context.ts, place, chosen, user }) });
    const said = await answer.json();
    if (said.error) trouble = said.error;
    else if (said.status !== 200) trouble = "the app answered " + said.status;
  } catch (error) {
    trouble = String(error);
  }
  node.disabled = false;
  context.trouble.textContent = trouble ? "⚠️ " + trouble : "";
}

function button(element, context) {
  const node = el("button", element.style ?? "", shown(element.text));
  const place = context.place++;
  node.type = "button";
  node.title = element.action_id ?? "";
  node.addEventListener("click", () => {
    if (element.confirm && !window.confirm(element.confirm.text.text)) return;
    if (/^https?:/i.test(element.url ?? "")) window.open(element.url, "_blank", "noopener");
    send(node, context, place);
  });
  return node;
}

// The workspace's people are those whom one can be in this page.
function people(element, context) {
  const first = el("option", "", shown(element.placeholder));
  first.value = "";
  const node = el("select", "", first, ...[...document.getElementById("person").options].map((o) => o.cloneNode(true)));
  const place = context.place++;
  node.title = element.action_id ?? "";
  node.setAttribute("aria-label", element.placeholder?.text ?? "Choose a person");
  node.value = "";
  node.addEventListener("change", () => {
    if (node.value) send(node, context, place, node.value);
  });
  return node;
}

const interactive = (element, context) =>
  element.type === "users_select" ? people(element, context) : button(element, context);

function block(b, context) {
  switch (b.type) {
    case "header": return el("h2", "header", shown(b.text));
    case "divider": return el("hr");
    case "image": return el("figure", "", b.title ? el("figcaption", "context", shown(b.title)) : null, image(b));
    case "context": return el("div", "context", ...b.elements.map((e) => (e.type === "image" ? image(e) : el("span", "", shown(e)))));
    case "actions": return el("div", "actions", ...b.elements.map((e) => interactive(e, context)));
    case "section": return el("div", "section",
      b.text ? el("div", "text", shown(b.text)) : null,
      b.fields ? el("div", "fields", ...b.fields.map((f) => el("div", "text", shown(f)))) : null,
      b.accessory ? el("div", "actions", b.accessory.type === "image" ? image(b.accessory) : interactive(b.accessory, context)) : null);
    default: return el("div", "context", "[" + b.type + "]");
  }
}

function body(payload, context) {
  const blocks = (list) => (list ?? []).map((b) => block(b, context));
  // Slack shows `text` only where there are no blocks; with blocks it is for notifications.
  const text = payload.blocks || !payload.text ? null : el("div", "text", mrkdwn(payload.text));
  const attached = (payload.attachments ?? []).map((a) => {
    const node = el("div", "attachment", a.text && !a.blocks ? el("div", "text", mrkdwn(a.text)) : null, ...blocks(a.blocks));
    if (/^#[0-9a-f]{6}$/i.test(a.color ?? "")) node.style.borderLeftColor = a.color;
    return node;
  });
  return el("div", "blocks", text, ...blocks(payload.blocks), ...attached);
}

function row(message) {
  const context = { ts: message.ts, place: 0, trouble: el("div", "trouble") };
  const when = el("time", "", new Date(message.received_at).toLocaleTimeString());
  when.title = message.received_at;
  const thread = message.thread.map((reply) => el("div", "reply",
    reply.ephemeral ? el("div", "only", "Only visible to you") : null,
    body(reply.payload, { ts: message.ts, place: 0, trouble: context.trouble })));
  const main = el("div", "", el("div", "by", el("b", "", "Watchkeeper"), el("span", "app", "APP"), when,
    message.edits ? el("span", "edited", "(edited)") : null), body(message.payload, context), context.trouble,
    thread.length ? el("div", "thread", ...thread) : null);
  const json = el("details", "", el("summary", "", "What the webhook was sent · ts " + message.ts),
    el("pre", "", JSON.stringify(message.payload, null, 2)));
  json.open = window.innerWidth > 1000;
  const node = el("article", "row", el("div", "message", el("div", "avatar", "W"), main), el("div", "", json));
  node.dataset.key = message.ts;
  node.dataset.state = message.edits + "/" + message.thread.length;
  return node;
}

const known = new Map();

// Newest first; a message is drawn again only when it changed, so that an open detail stays open.
function show(messages) {
  const list = document.getElementById("messages");
  document.getElementById("empty").hidden = messages.length > 0;
  const present = new Set(messages.map((m) => m.ts));
  for (const [ts, node] of known) if (!present.has(ts)) { node.remove(); known.delete(ts); }
  for (const message of messages) {
    const old = known.get(message.ts);
    if (old && old.dataset.state === message.edits + "/" + message.thread.length) continue;
    const fresh = row(message);
    if (old) old.replaceWith(fresh); else list.prepend(fresh);
    known.set(message.ts, fresh);
  }
}

async function follow() {
  const live = document.getElementById("live");
  let since = "";
  for (;;) {
    try {
      const answer = await (await fetch("/messages" + since)).json();
      since = "?since=" + answer.version;
      show(answer.messages);
      live.textContent = "live";
    } catch {
      live.textContent = "not reachable, trying again…";
      since = "";
      await new Promise((resume) => setTimeout(resume, 1000));
    }
  }
}

follow();
