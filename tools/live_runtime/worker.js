// Runs the reader's code: Pyodide, which takes every file from what the page has handed over.

const NOWHERE = 'https://files.invalid/';
const TYPES = { wasm: 'application/wasm', json: 'application/json' };
const files = new Map();
const prepared = new Map();
let pyodide;

// Pyodide refuses classic workers, and module workers cannot start in a frame without an origin.
// What it lacks in a classic one is importScripts alone that works otherwise: it asks for that.
self.importScripts = () => {
  throw new TypeError('not used here');
};

self.fetch = async (address) => {
  const name = String(address.url ?? address).split('/').pop();
  if (!files.has(name)) return new Response('', { status: 404 });
  const type = TYPES[name.split('.').pop()] ?? 'application/octet-stream';
  return new Response(files.get(name), { headers: { 'Content-Type': type } });
};

function script(name) {
  return URL.createObjectURL(new Blob([files.get(name)], { type: 'text/javascript' }));
}

function install(names) {
  for (const name of names) {
    if (name.endsWith('.whl') || name === 'backprop.zip') {
      pyodide.unpackArchive(files.get(name), name.endsWith('.whl') ? 'wheel' : 'zip', {
        extractDir: pyodide.runPython("import site; site.getsitepackages()[0]"),
      });
      files.delete(name);
    }
  }
  pyodide.runPython('import importlib; importlib.invalidate_caches()');
}

async function start() {
  const { loadPyodide } = await import(script('pyodide.mjs'));
  const { default: createPyodideModule } = await import(script('pyodide.asm.mjs'));
  pyodide = await loadPyodide({
    indexURL: NOWHERE,
    packageBaseUrl: NOWHERE,
    createPyodideModule,
    lockFileContents: new TextDecoder().decode(files.get('pyodide-lock.json')),
    env: { MPLBACKEND: 'agg', HOME: '/home/reader' },
  });
}

async function add(loaded) {
  for (const [name, content] of Object.entries(loaded)) files.set(name, content);
  if (pyodide === undefined) await start();
  install(Object.keys(loaded));
}

function run({ exercise, cells, source, check }) {
  const live = pyodide.pyimport('backprop.book.live');
  if (!prepared.has(exercise)) {
    postMessage({ doing: 'Running the cells of this page that the exercise builds on …' });
    prepared.set(exercise, live.prepare(pyodide.toPy(cells)));
  }
  postMessage({ doing: 'Running your code …' });
  const outcome = live.run(source, prepared.get(exercise), check);
  const { text, error, verdict, right, pictures } = outcome;
  const out = { text, error, verdict, right, pictures: [...pictures] };
  outcome.destroy();
  return out;
}

self.onmessage = async ({ data }) => {
  try {
    if (data.files) {
      await add(data.files);
      postMessage({ ready: true });
    } else {
      postMessage({ outcome: run(data.run) });
    }
  } catch (error) {
    const missing = /ModuleNotFoundError: No module named '([\w]+)/.exec(error.message);
    postMessage(missing ? { missing: missing[1] } : { failed: error.message });
  }
};
