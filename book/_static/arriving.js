// A page that is opened at its top is laid out in parts: what is not in sight waits until the page
// has loaded, and then comes in small lots, while nothing else is to be done. On a slow computer
// the page is there in half of the time. The parts are named in custom.css too.
{
  const LOT = 1500; // elements
  const PARTS = 'main section > section:not(#exercises), #exercises > div';
  const root = document.documentElement;
  const idle = window.requestIdleCallback ?? ((task) => window.setTimeout(task, 20));
  const [visit] = window.performance.getEntriesByType('navigation');

  const reveal = (parts, lot) => {
    for (let size = 0; size < lot && parts.length;) {
      const part = parts.shift();
      part.style.contentVisibility = 'visible';
      size += part.getElementsByTagName('*').length;
    }
    if (parts.length) {
      idle(() => reveal(parts, lot));
    } else if ('arriving' in root.dataset) {
      delete root.dataset.arriving;
      window.dispatchEvent(new Event('resize')); // for the theme, which looks for what can scroll
    }
  };

  if (visit?.type === 'navigate' && !window.location.hash) {
    root.dataset.arriving = '';
    root.classList.add('in-parts');
    window.addEventListener('load', () => {
      const parts = [...document.querySelectorAll(PARTS)];
      idle(() => reveal(parts, LOT));
      window.addEventListener('hashchange', () => {
        if (!parts.length) return;
        reveal(parts, Infinity);
        document.getElementById(window.location.hash.slice(1))?.scrollIntoView();
      });
    });
  }
}
