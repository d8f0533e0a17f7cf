// Formulas are set when the book is built. This script lets a reader copy their LaTeX with the text
// around them, and see a displayed one larger.

function source(formula) {
  return formula.querySelector('annotation')?.textContent ?? formula.textContent;
}

function copied(selection) {
  const range = selection.getRangeAt(0);
  const within = (node) => (node.nodeType === 1 ? node : node.parentElement).closest('.katex');
  if (within(range.startContainer)) range.setStartBefore(within(range.startContainer));
  if (within(range.endContainer)) range.setEndAfter(within(range.endContainer));
  const part = range.cloneContents();
  if (!part.querySelector('annotation')) return null;
  for (const formula of part.querySelectorAll('.katex')) {
    const mark = formula.querySelector('math[display=block]') ? '$$' : '$';
    formula.replaceWith(mark + source(formula) + mark);
  }
  return part.textContent;
}

document.addEventListener('copy', (event) => {
  const selection = document.getSelection();
  const text = selection.isCollapsed ? null : copied(selection);
  if (text === null) return;
  event.clipboardData.setData('text/plain', text);
  event.preventDefault();
});

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function enlarge(formula) {
  const shown = make('div', { className: 'formula-large' }, formula.cloneNode(true));
  const copy = make('button', { type: 'button', textContent: 'Copy LaTeX' });
  const close = make('button', { type: 'button', textContent: 'Close' });
  const dialog = make('dialog', { className: 'formula-dialog' }, shown, copy, close);
  dialog.setAttribute('aria-label', 'Formula');
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(source(formula));
      copy.textContent = 'Copied';
    } catch {
      copy.textContent = 'The browser did not allow it';
    }
  });
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  const range = document.createRange();
  range.selectNodeContents(shown.querySelector('.katex-html'));
  const fitting = (0.95 * shown.clientWidth) / range.getBoundingClientRect().width;
  shown.style.fontSize = `${Math.max(1, Math.min(2.5, fitting))}em`;
  close.focus();
}

for (const formula of document.querySelectorAll('article div.math .katex-display')) {
  formula.tabIndex = 0;
  formula.addEventListener('click', () => document.getSelection().isCollapsed && enlarge(formula));
  formula.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault(); // or the key would press the button that has the focus next
    enlarge(formula);
  });
}
