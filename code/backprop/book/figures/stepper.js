// The step-through figure. Python inlines this file as a module: its names stay its own, and
// several figures may share a page.

const clamp = (k, last) => Math.max(0, Math.min(last, k));

/** The frame that a key leads to from frame `now`, or null where the key has no meaning here. */
export function destination(key, now, last) {
  switch (key) {
    case 'ArrowLeft':
      return clamp(now - 1, last);
    case 'ArrowRight':
      return clamp(now + 1, last);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}

/** What the figure shows for frame `k` of `frames`, each `{name, caption}`. */
export function view(k, frames) {
  const last = frames.length - 1;
  const now = clamp(k, last);
  const { name, caption } = frames[now];
  return { now, name, words: `${name}. ${caption}`, atStart: now === 0, atEnd: now === last };
}

function mount(root) {
  const figures = [...root.querySelectorAll('figure')];
  const frames = figures.map((figure) => ({
    name: figure.dataset.name,
    caption: figure.querySelector('figcaption').textContent,
  }));
  const [previous, next] = root.querySelectorAll('button');
  const range = root.querySelector('input');
  const live = root.querySelector('.bp-live');
  let now = 0;

  function show(k) {
    const shown = view(k, frames);
    now = shown.now;
    figures.forEach((figure, i) => figure.classList.toggle('bp-now', i === now));
    range.value = now + 1;
    range.setAttribute('aria-valuetext', shown.name);
    previous.setAttribute('aria-disabled', shown.atStart);
    next.setAttribute('aria-disabled', shown.atEnd);
    live.textContent = shown.words;
  }

  previous.addEventListener('click', () => show(now - 1));
  next.addEventListener('click', () => show(now + 1));
  range.addEventListener('input', () => show(Number(range.value) - 1));
  root.addEventListener('keydown', (event) => {
    const to = destination(event.key, now, frames.length - 1);
    if (to === null) return;
    event.preventDefault();
    // A notebook editor would take the arrow as its own command.
    event.stopPropagation();
    show(to);
  });

  root.classList.add('bp-on');
  root.querySelector('.bp-controls').hidden = false;
  live.hidden = false;
  // Not its value: a browser that reloads a page restores the reader's, but not what it showed.
  show(Number(range.defaultValue) - 1);
}

globalThis.document?.querySelectorAll('.bp-stepper:not(.bp-on)').forEach(mount);
