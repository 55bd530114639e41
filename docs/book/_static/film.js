// A film: native sliders and menus, and layers of pictures whose files are named by where they stand.
for (const film of document.querySelectorAll(".gan-film")) {
  const counts = film.dataset.counts.split(" ").map(Number);
  const files = film.dataset.files.split(";").map((layer) => layer.split(" "));
  const controls = [...film.querySelectorAll("input, select")];
  const layers = [...film.querySelectorAll(".gan-frame img")].slice(1);
  const value = (control) =>
    control.tagName === "SELECT" ? control.selectedIndex : Number(control.value);
  const place = (values) => values.reduce((at, one, i) => at * counts[i] + one, 0);
  const kept = new Map();
  const picture = (name) => {
    if (!kept.has(name)) {
      const image = new Image();
      image.src = (window.GAN_FRAMES || {})[film.dataset.frames]?.[name] ??     // a deck has its own
        `${film.dataset.frames}/${name}.webp`;
      kept.set(name, image);
    }
    return kept.get(name);
  };
  const frame = (at) => files.map((numbers, k) => picture("abdefgh"[k] + numbers[at].padStart(4, "0")));
  let wanted;
  controls.forEach((control, moved) => control.addEventListener("input", () => {
    if (control.dataset.says) {
      const says = control.dataset.says.split("\x1f")[value(control)];
      control.setAttribute("aria-valuetext", says);
      control.parentElement.querySelector("output").textContent = says;
    }
    const values = controls.map(value);
    const at = wanted = place(values);
    const images = frame(at);
    const other = images.filter((image, k) => layers[k].src !== image.src);
    Promise.all(other.map((image) => image.decode())).then(() => {
      if (at !== wanted) return;
      images.forEach((image, k) => { if (layers[k].src !== image.src) layers[k].src = image.src; });
      film.dataset.at = at;
    }, () => {});
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

// What scrolls to the side can be reached by the keyboard; a formula wider than its text scrolls.
const reach = () => {
  for (const one of document.querySelectorAll(".bd-article :is(p, li) span:has(> math)"))
    if (one.getBoundingClientRect().width > one.closest("p, li").clientWidth) {
      one.className = "gan-long";
      one.tabIndex = 0;
    }
  for (const one of document.querySelectorAll(".bd-article :is(table, pre, .gan-formula)"))
    if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
};
reach();
addEventListener("resize", reach);
