// A film: native sliders and menus, and a picture whose file is named by where they stand.
for (const film of document.querySelectorAll(".gan-film")) {
  const counts = film.dataset.counts.split(" ").map(Number);
  const controls = [...film.querySelectorAll("input, select")];
  const upper = film.querySelector(".gan-frame img:last-child");
  const value = (control) =>
    control.tagName === "SELECT" ? control.selectedIndex : Number(control.value);
  const place = (values) => values.reduce((at, one, i) => at * counts[i] + one, 0);
  const kept = new Map();
  const frame = (at) => {
    if (!kept.has(at)) {
      const image = new Image();
      image.src = (window.GAN_FRAMES || {})[film.dataset.frames]?.[at] ??       // a deck has its own
        `${film.dataset.frames}/${String(at).padStart(4, "0")}.webp`;
      kept.set(at, image);
    }
    return kept.get(at);
  };
  let wanted;
  controls.forEach((control, moved) => control.addEventListener("input", () => {
    if (control.dataset.says) {
      const says = control.dataset.says.split("\x1f")[value(control)];
      control.setAttribute("aria-valuetext", says);
      control.parentElement.querySelector("output").textContent = says;
    }
    const values = controls.map(value);
    const image = frame(wanted = place(values));
    const at = wanted;
    image.decode().then(() => { if (at === wanted) upper.src = image.src; }, () => {});
    for (const step of [-1, 1]) {                       // where the next move most likely leads
      const near = [...values];
      near[moved] += step;
      if (near[moved] >= 0 && near[moved] < counts[moved]) frame(place(near));
    }
  }));
}

// Names that hide what a button says: the theme's "Search" over "Search Ctrl+K", and its like.
for (const one of document.querySelectorAll(
  'summary[aria-label="Toggle hidden content"], .search-button__button')) {
  one.removeAttribute("aria-label");
}
