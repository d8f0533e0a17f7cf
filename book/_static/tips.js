// What a link leads to shows beside it. The scripts that do this are loaded when a reader first
// points at a link of the text or reaches one by the keyboard, and not before.

const scripts = document.currentScript.dataset.tips.split(' ');
const article = document.querySelector('article.bd-article');

function load(address) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement('script'), { src: address });
    script.addEventListener('load', resolve);
    script.addEventListener('error', reject);
    document.head.append(script);
  });
}

async function begin(event) {
  const link = event.target.closest?.('a[href]');
  if (!link) return;
  for (const kind of ['pointerover', 'focusin']) article.removeEventListener(kind, begin);
  for (const address of scripts) await load(address);
  // The last of them waits for the page, which has long been loaded.
  window.onload?.();
  if (link.matches(':hover')) link.dispatchEvent(new MouseEvent('mouseenter'));
  else if (link === document.activeElement) link.dispatchEvent(new FocusEvent('focus'));
}

if (article) {
  for (const kind of ['pointerover', 'focusin']) article.addEventListener(kind, begin);
}
