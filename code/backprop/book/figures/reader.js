// A sentence read letter by letter: what each model expects next, and from which letters it knows.
// Python inlines this file as a module: its names stay its own.
//
// The data are those of `backprop.book.reading`, one sentence: {begin, text, models: {name:
// {letters, p, came}}, error, attention}. Letter k of the text is the one that is to come.

const clamp = (k, last) => Math.max(0, Math.min(last, k));

/** How a letter is written where it stands alone. */
export const named = (letter) => (letter === ' ' ? 'space' : letter === '\n' ? 'new line' : letter);

/** A probability as a percentage, and what is below one in a hundred with a digit more. */
export function percent(p) {
  const value = 100 * p;
  return `${value < 0.095 ? '≤ 0.1' : value < 0.95 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** The shade, 0 to 1, of each letter of the text before letter `k`. */
export function shades(data, k, colour) {
  const rows = colour === 'error' ? data.error : data.attention[Number(colour)];
  const digits = rows[k].slice(data.begin.length);
  return [...digits].map((digit) => Number(digit) / 9);
}

/** What each model expects at letter `k`: its name, rows of letters, and what it gave to the text. */
export function expected(data, k) {
  const came = data.text[k];
  return Object.entries(data.models).map(([name, model]) => ({
    name,
    rows: [...model.letters[k]].map((letter, i) => ({
      letter: named(letter),
      p: model.p[k][i],
      came: letter === came,
    })),
    came: model.came[k],
  }));
}

/** The sentence below the figure. */
export function words(data, k) {
  const before = k ? `After “${data.text.slice(0, k)}”` : 'At the beginning';
  const parts = expected(data, k).map(
    ({ name, came }) => `${name} ${percent(came)}, ${Math.abs(-Math.log2(came)).toFixed(1)} bits`,
  );
  return `${before} comes “${named(data.text[k])}”. Its probability: ${parts.join('; ')}.`;
}

function mount(root) {
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const letters = [...root.querySelectorAll('.bp-letter')];
  const tables = [...root.querySelectorAll('.bp-model')];
  const [previous, next] = root.querySelectorAll('button');
  const range = root.querySelector('input[type="range"]');
  const live = root.querySelector('.bp-live');
  const last = data.text.length - 1;
  let now = data.start;
  let colour = 'error';

  function table(element, { rows, came }) {
    [...element.querySelectorAll('li')].forEach((item, i) => {
      const { letter, p, came: right } = rows[i];
      item.classList.toggle('bp-came', right);
      item.querySelector('.bp-name').textContent = letter;
      item.querySelector('.bp-bar').style.setProperty('--p', p);
      item.querySelector('.bp-percent').textContent = percent(p);
    });
    element.querySelector('.bp-bits').textContent = `${Math.abs(-Math.log2(came)).toFixed(1)} bits`;
  }

  function show(k) {
    now = clamp(k, last);
    const shade = shades(data, now, colour);
    root.classList.toggle('bp-attending', colour !== 'error');
    letters.forEach((letter, i) => {
      letter.classList.toggle('bp-next', i === now);
      letter.classList.toggle('bp-later', i > now);
      letter.style.setProperty('--shade', i < now ? shade[i] : 0);
    });
    expected(data, now).forEach((model, i) => table(tables[i], model));
    range.value = now + 1;
    range.setAttribute('aria-valuetext', `letter ${now + 1} of ${last + 1}`);
    previous.setAttribute('aria-disabled', now === 0);
    next.setAttribute('aria-disabled', now === last);
    live.textContent = words(data, now);
  }

  previous.addEventListener('click', () => show(now - 1));
  next.addEventListener('click', () => show(now + 1));
  range.addEventListener('input', () => show(Number(range.value) - 1));
  letters.forEach((letter, i) => letter.addEventListener('click', () => show(i)));
  root.querySelectorAll('input[type="radio"]').forEach((radio) =>
    radio.addEventListener('change', () => {
      colour = radio.value;
      show(now);
    }),
  );
  root.classList.add('bp-on');
  root.querySelector('.bp-controls').hidden = false;
  show(now);
}

globalThis.document?.querySelectorAll('.bp-reader:not(.bp-on)').forEach(mount);
