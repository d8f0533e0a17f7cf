// Exercises with a checker get an editor in the page. Nothing is loaded before a reader asks for it,
// and nothing is sent: the code runs in a frame of its own (frame.html), the text stays in the browser.

const live = new URL('runtime/', import.meta.url);
const address = document.querySelector('meta[name="live-exercises"]')?.content;
const STORE = `live:${live.pathname}:${address}`;
const kept = recall();

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function recall() {
  const empty = { texts: {}, solved: [] };
  try {
    return { ...empty, ...JSON.parse(localStorage.getItem(STORE)) };
  } catch {
    return empty;
  }
}

// Returns whether the browser has kept it: its store may be full, or closed to this page.
function keep() {
  try {
    localStorage.setItem(STORE, JSON.stringify(kept));
    return true;
  } catch {
    return false;
  }
}

async function load(url, options) {
  const answer = await fetch(url, options);
  if (!answer.ok) throw new Error(`${url.pathname.split('/').pop()} is not there.`);
  return answer;
}

let manifest;
let exercises;

async function described() {
  exercises ??= await (await load(new URL(address, document.baseURI))).json();
  try {
    manifest ??= await (await load(new URL('manifest.json', live))).json();
  } catch {
    throw new Error('Live cells are off: this copy of the site was built without what runs them.');
  }
}

async function fetched(names, say) {
  let done = 0;
  let refused = false;
  const total = names.reduce((sum, name) => sum + manifest.files[name].bytes, 0);
  const pairs = await Promise.all(names.map(async (name) => {
    const { bytes, integrity } = manifest.files[name];
    const content = await load(new URL(name, live), { integrity })
      .then((answer) => answer.arrayBuffer())
      .catch((error) => {
        refused = true;
        throw new Error(`${name} could not be loaded, or is not what it should be.`, { cause: error });
      });
    done += bytes;
    if (!refused) say(`Loading ${(done / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB, on the first use only …`);
    return [name, content];
  }));
  return Object.fromEntries(pairs);
}

// The frame and the worker in it; it answers one request after the other.
class Runtime {
  constructor() {
    this.frame = make('iframe', { src: new URL('frame.html', live).href, hidden: true, title: '' });
    this.frame.setAttribute('sandbox', 'allow-scripts');
    this.loaded = new Set();
    addEventListener('message', this);
    document.body.append(this.frame);
  }

  handleEvent({ source, data }) {
    if (source !== this.frame.contentWindow || !this.waiting) return;
    if (data.doing) this.waiting.say(data.doing);
    else this.waiting.resolve(data);
  }

  ask(message, say, transfer = []) {
    return new Promise((resolve) => {
      this.waiting = { resolve, say };
      if (message) this.frame.contentWindow.postMessage(message, '*', transfer);
    });
  }

  async add(names, say) {
    const wanted = names.filter((name) => !this.loaded.has(name));
    const files = await fetched(wanted, say);
    say('Starting Python …');
    const answer = await this.ask({ files }, say, Object.values(files));
    if (answer.failed) throw new Error(answer.failed);
    wanted.forEach((name) => this.loaded.add(name));
  }

  async begin(say) {
    await this.ask(null, say);
    const { integrity } = manifest.files['worker.js'];
    const script = await (await load(new URL('worker.js', live), { integrity })).text();
    this.frame.contentWindow.postMessage({ script }, '*');
    await this.add([...manifest.core, ...manifest.first], say);
  }

  async run(request, say) {
    for (;;) {
      const answer = await this.ask({ run: request }, say);
      if (answer.failed) throw new Error(answer.failed);
      if (answer.outcome) return answer.outcome;
      const files = manifest.later[answer.missing];
      if (!files) throw new Error(`There is no module ${answer.missing} in the browser.`);
      await this.add(files, say);
    }
  }

  stop() {
    removeEventListener('message', this);
    this.frame.remove();
    this.waiting?.resolve({ failed: 'Stopped.' });
  }
}

let runtime;
let busy = false;

async function execute(request, say) {
  await described();
  if (!runtime) {
    runtime = new Runtime();
    await runtime.begin(say);
  }
  return runtime.run(request, say);
}

function stop() {
  runtime?.stop();
  runtime = undefined;
}

async function editor(parent, text, label, changed) {
  try {
    const [{ EditorView, keymap, lineNumbers, drawSelection }, commands, language, { python }] =
      await Promise.all(['view', 'commands', 'language', 'lang-python'].map(
        (name) => import(new URL(`editor/codemirror-${name}.js`, live)),
      ));
    const view = new EditorView({
      doc: text,
      parent,
      extensions: [
        lineNumbers(), drawSelection(), commands.history(), language.bracketMatching(),
        language.indentUnit.of('    '), python(),
        language.syntaxHighlighting(language.defaultHighlightStyle, { fallback: true }),
        keymap.of([...commands.defaultKeymap, ...commands.historyKeymap]),
        EditorView.contentAttributes.of({ 'aria-label': label }),
        EditorView.updateListener.of((update) => update.docChanged && changed(read())),
      ],
    });
    const read = () => view.state.doc.toString();
    const write = (value) =>
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
    return { read, write, focus: () => view.focus() };
  } catch {
    const area = make('textarea', { value: text, spellcheck: false, rows: 8 });
    area.setAttribute('aria-label', label);
    area.addEventListener('input', () => changed(area.value));
    parent.append(area);
    return {
      read: () => area.value,
      write: (value) => { area.value = value; changed(value); },
      focus: () => area.focus(),
    };
  }
}

function shown(outcome) {
  const parts = [];
  if (outcome.text) parts.push(make('pre', { textContent: outcome.text }));
  for (const picture of outcome.pictures) {
    const alt = 'The plot that your code has drawn';
    parts.push(make('img', { src: `data:image/png;base64,${picture}`, alt }));
  }
  if (outcome.error) parts.push(make('pre', { className: 'live-error', textContent: outcome.error }));
  if (outcome.verdict) {
    const className = outcome.right ? 'live-right' : 'live-wrong';
    parts.push(make('p', { className, textContent: outcome.verdict }));
  }
  if (!parts.length) parts.push(make('p', { textContent: 'Your code ran, and printed nothing.' }));
  return parts;
}

function progress(box) {
  const total = Number(box.dataset.total);
  const solved = kept.solved.length;
  const bar = make('progress', { max: total, value: solved });
  bar.setAttribute('aria-label', 'Exercises solved');
  box.replaceChildren(bar, ` ${solved} of ${total} solved in this browser`);
}

async function open(exercise, label, box, opener, bar) {
  opener.disabled = true;
  const status = make('p', { className: 'live-status' });
  status.setAttribute('role', 'status');
  box.append(status);
  const say = (text) => { status.textContent = text; };
  try {
    await described();
  } catch (error) {
    say(error.message);
    opener.disabled = false;
    return;
  }
  opener.remove();
  const { starter, check, cells } = exercises[label];
  const place = make('div', { className: 'live-editor' });
  box.prepend(place);
  const write = await editor(place, kept.texts[label] ?? starter, `Your code for ${exercise}`, (text) => {
    kept.texts[label] = text;
    if (!keep()) say('Your browser keeps no more text: this one is lost when you leave the page.');
  });
  const output = make('div', { className: 'live-output' });
  output.setAttribute('aria-live', 'polite');
  const buttons = {};

  async function go(call) {
    if (busy) return;
    busy = true;
    output.replaceChildren();
    buttons.stop.disabled = false;
    const slow = setTimeout(() => say('Still running. “Stop” ends it.'), 20000);
    try {
      const request = { exercise: label, cells, source: write.read(), check: call };
      const outcome = await execute(request, say);
      say('');
      output.replaceChildren(...shown(outcome));
      if (outcome.right && !kept.solved.includes(label)) {
        kept.solved.push(label);
        keep();
        progress(bar);
      }
    } catch (error) {
      stop();
      say(`${error.message} Run it again to start afresh.`);
    }
    clearTimeout(slow);
    buttons.stop.disabled = true;
    busy = false;
  }

  const actions = {
    run: ['Run', () => go('')],
    check: ['Check', () => go(check)],
    stop: ['Stop', stop],
    reset: ['Start over', () => { write.write(starter); output.replaceChildren(); }],
  };
  const row = make('div', { className: 'live-buttons' });
  for (const [name, [textContent, action]] of Object.entries(actions)) {
    buttons[name] = make('button', { type: 'button', textContent });
    buttons[name].addEventListener('click', action);
    row.append(buttons[name]);
  }
  buttons.stop.disabled = true;
  place.after(row, output);
  place.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    go(event.shiftKey ? '' : check);
  }, true);
  say('Shift+Enter runs your code, Ctrl+Enter checks it.');
  write.focus();
}

function begin() {
  const labels = (document.querySelector('meta[name="live-labels"]')?.content ?? '').split(' ');
  const found = labels.map((label) => document.getElementById(label)).filter(Boolean);
  if (!found.length) return;
  const bar = make('p', { className: 'live-progress' });
  found[0].before(bar);
  for (const exercise of found) {
    const title = exercise.querySelector('.admonition-title')?.textContent.trim() ?? 'the exercise';
    const button = make('button', { type: 'button', className: 'live-open', textContent: 'Try it here' });
    button.setAttribute('aria-label', `Try it here: ${title}`);
    const box = make('div', { className: 'live' }, button);
    button.addEventListener('click', () => open(title, exercise.id, box, button, bar));
    exercise.append(box);
  }
  bar.dataset.total = found.length;
  progress(bar);
}

begin();
