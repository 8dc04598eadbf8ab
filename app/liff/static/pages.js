/* What the pages do beside showing: codes that change, and stores by nearness. Without it they still work. */

import { rotate } from './rotating.js';

const offset = Number(document.body.dataset.now) - Date.now();

/* A code is drawn when its ticket is opened: nobody needs fifty at once. */
for (const place of document.querySelectorAll('.rotating')) {
  const ticket = place.closest('details');
  const start = async () => {
    if (await rotate(place, place.dataset.code, place.dataset.secret, offset)) place.hidden = false;
    else place.parentElement.querySelector('.plain')?.setAttribute('open', '');
  };
  if (!ticket || ticket.open) start();
  else ticket.addEventListener('toggle', start, { once: true });
}

/* About a kilometre is near enough, and says less of where she is. */
const near = document.querySelector('#near');
if (near && navigator.geolocation) {
  near.hidden = false;
  near.addEventListener('click', () => {
    near.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => { location.search = `?near=${coords.latitude.toFixed(2)},${coords.longitude.toFixed(2)}`; },
      () => { near.disabled = false; document.querySelector('#near-failed').hidden = false; },
      { maximumAge: 300_000, timeout: 10_000 },
    );
  });
}

/* Whoever leaves takes her card along. */
if (document.body.dataset.forget) {
  import('./forget.js').then(({ forget }) => forget());
}
