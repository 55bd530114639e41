// The course in JupyterLab, which loads this file as it is: nothing is built.
//
// Pictures get their alternative text, which JupyterLab leaves out, and are turned in a dark theme; a
// lesson that was only opened is not called unsaved; a cell that fails because those above it were not
// run says so; names of lessons fit the list. tools/lab.py hands the folder to JupyterLab.
(() => {
  let shared;                                         // modules of JupyterLab, by name and version
  const module = async (name) => {
    const versions = Object.values(shared[name]);
    return (await versions[0].get())();
  };

  const STYLE = `
    #jp-left-stack { min-width: 340px !important; }
    .gan-picture img { max-width: 100%; height: auto; background: white; }
    .gan-picture { overflow-x: auto; }
    body[data-jp-theme-light="false"] :is(.gan-picture img.gan-plot, .gan-explorer img) {
      filter: invert(.93) hue-rotate(180deg); }
    /* what a judge says, in the colours of a page by day */
    body[data-jp-theme-light="false"] .jp-OutputArea-output [style*="#00694e"] { color: #5fd7b2 !important; }
    body[data-jp-theme-light="false"] .jp-OutputArea-output [style*="#a02000"] { color: #ff9d7d !important; }
    body[data-jp-theme-light="false"] .jp-OutputArea-output [style*="#555555"] { color: #c0c0c0 !important; }`;

  const PHOTOGRAPH = 4096;                            // colours from which a picture holds photographs

  function isPhotograph(image) {
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const colours = new Set();
    for (let k = 0; k < pixels.length && colours.size <= PHOTOGRAPH; k += 4) {
      colours.add(pixels[k] << 16 | pixels[k + 1] << 8 | pixels[k + 2]);
    }
    return colours.size > PHOTOGRAPH;
  }

  async function pictures() {
    const { Widget } = await module("@lumino/widgets");

    class Picture extends Widget {
      constructor(options) {
        super();
        this.type = options.mimeType;
        this.addClass("jp-RenderedImage");
        this.addClass("gan-picture");
      }

      renderModel(model) {
        const said = model.metadata[this.type] || {}, image = new Image();
        const data = model.data[this.type];
        for (const name of ["width", "height", "alt"]) {
          if (said[name] !== undefined) image[name] = said[name];
        }
        image.src = `data:${this.type};base64,${Array.isArray(data) ? data.join("") : data}`;
        return image.decode().catch(() => {}).then(() => {
          image.className = isPhotograph(image) ? "gan-photo" : "gan-plot";
          this.node.replaceChildren(image);
        });
      }
    }

    return { __esModule: true, default: {                               // rank: where JupyterLab's own renderer stood
      id: "gan-lessons:pictures", rank: 90, dataType: "string",
      rendererFactory: { safe: true, mimeTypes: ["image/png"],
                         createRenderer: (options) => new Picture(options) } } };
  }

  async function extension() {
    const { INotebookTracker, NotebookActions } = await module("@jupyterlab/notebook");

    function activate(app, tracker) {
      const style = document.createElement("style");
      style.textContent = STYLE;
      document.head.append(style);

      let ran = new WeakSet();                        // cells that the present kernel has run
      tracker.widgetAdded.connect((_, panel) => {
        staysSaved(panel);
        const forget = () => {
          for (const cell of panel.content.widgets) ran.delete(cell.model);
        };
        panel.sessionContext.kernelChanged.connect(forget);
        panel.sessionContext.statusChanged.connect((_, status) => {
          if (status === "restarting" || status === "autorestarting") forget();
        });
      });

      NotebookActions.executed.connect((_, { notebook, cell, error }) => {
        ran.add(cell.model);
        if (!error || error.errorName !== "NameError") return;
        const cells = notebook.widgets, above = cells.slice(0, cells.indexOf(cell));
        if (above.every((one) => one.model.type !== "code" || ran.has(one.model))) return;
        const outputs = cell.model.outputs, before = outputs.toJSON();
        outputs.clear();
        outputs.add({ output_type: "stream", name: "stdout", text:
          "Cells above this one have not been run yet, and it needs them: choose\n" +
          "Run \u2192 Run All Above Selected Cell, then run this one again.\n" });
        for (const one of before) outputs.add(one);
      });
    }

    return { __esModule: true, default: { id: "gan-lessons:course", autoStart: true, requires: [INotebookTracker],
                        activate } };
  }

  // The kernel says which Python it is, and JupyterLab writes that down in the notebook: as long as
  // nothing else has changed, there is nothing to save.
  function staysSaved(panel) {
    panel.context.ready.then(() => {
      const model = panel.context.model;
      const content = () => {
        const { cells, metadata } = model.toJSON();
        return JSON.stringify([cells, { ...metadata, language_info: 0, kernelspec: 0 }]);
      };
      const opened = content();
      const look = () => {
        if (model.isDisposed || !model.dirty) return;
        if (content() === opened) model.dirty = false;
        else model.stateChanged.disconnect(later);
      };
      const later = () => { setTimeout(look, 0); };
      model.stateChanged.connect(later);
      look();
    });
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["gan-lessons"] = {
    init(scope) { shared = scope; },
    async get(name) {
      const made = await ({ "./extension": extension, "./pictures": pictures })[name]();
      return () => made;
    },
  };
})();
