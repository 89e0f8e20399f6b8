/// The operator's page: tables over `/api`, everything inline, nothing from elsewhere.
let operatorPage = #"""
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Breakwater</title>
    <style>
    :root { color-scheme: light dark; }
    body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem;
      padding: 0 1rem; }
    h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #8884;
      white-space: nowrap; }
    th:first-child, td:first-child, .text { text-align: left; }
    .text { white-space: normal; }
    .elevated { color: #9a6700; } .stressed, .frozen, .bad { color: #c0392b; font-weight: 600; }
    #state { font-weight: 600; }
    </style>
    </head>
    <body>
    <h1>Breakwater <span id="state" role="status">loading…</span></h1>
    <ul id="reasons"></ul>
    <h2>Haircuts</h2>
    <div class="scroll"><table id="haircuts"></table></div>
    <h2>Breakers</h2>
    <div class="scroll"><table id="breakers"></table></div>
    <h2>Workers of this process</h2>
    <div class="scroll"><table id="workers"></table></div>
    <noscript>This page needs JavaScript; the data is at /api/haircuts, /api/breakers and
    /api/workers.</noscript>
    <script>
    "use strict";
    const $ = id => document.getElementById(id);
    const percent = x => (x * 100).toFixed(2) + " %";
    const dash = x => x === null || x === undefined ? "–" : String(x);
    // Cells are set as text, so that nothing from the bus is ever read as markup.
    function fill(table, head, rows) {
      const row = (cells, kind) => {
        const tr = document.createElement("tr");
        for (const cell of cells) {
          const td = document.createElement(kind);
          const [text, style] = Array.isArray(cell) ? cell : [cell, ""];
          td.textContent = text; td.className = style; tr.append(td);
        }
        return tr;
      };
      table.replaceChildren(row(head, "th"),
        ...(rows.length ? rows : [["nothing yet"]]).map(cells => row(cells, "td")));
    }
    async function get(path) {
      const response = await fetch(path);
      if (!response.ok) throw new Error(path + ": " + response.status);
      return response.json();
    }
    async function refresh() {
      try {
        const [haircuts, breakers, workers] = await Promise.all(
          ["/api/haircuts", "/api/breakers", "/api/workers"].map(get));
        const state = $("state");
        state.textContent = workers.ready ? "ready" : "not ready";
        state.className = workers.ready ? "" : "bad";
        $("reasons").replaceChildren(...workers.reasons.map(reason => {
          const item = document.createElement("li");
          item.textContent = reason;
          return item;
        }));
        fill($("haircuts"), ["asset", "price", "initial", "maintenance", "target", "gap",
          "branching", "state", ["bound by", "text"], "time"],
          haircuts.haircuts.map(t => [t.asset, t.price, percent(t.initial),
            percent(t.maintenance), percent(t.target.maintenance), percent(t.gap.maintenance),
            t.branchingRatio.toFixed(2), [t.state, t.state], [t.boundBy.join(", "), "text"],
            t.time.slice(11, 19)]));
        fill($("breakers"), ["asset", "state", "from", ["reasons", "text"], "since"],
          breakers.breakers.map(b => [b.asset, [b.state, b.state],
            dash(b.change && b.change.from),
            [b.change ? b.change.reasons.join(", ") : "–", "text"],
            dash(b.change && b.change.since.slice(0, 19).replace("T", " "))]));
        fill($("workers"), ["worker", "partition", ["phase", "text"], "restored", "lag"],
          workers.workers.flatMap(w => {
            const name = w.role + "-" + w.number;
            if (w.failure) return [[name, "–", [w.failure, "text bad"], "–", "–"]];
            if (!w.partitions.length)
              return [[name, "–", [w.assigned ? "standby" : "joining", "text"], "–", "–"]];
            return w.partitions.map(p => [name, p.partition, [p.phase, "text"],
              p.restoredRecords === null ? "–"
                : p.restoredRecords + " of " + dash(p.recordsToRestore), dash(p.lagRecords)]);
          }));
      } catch (error) {
        $("state").textContent = "no answer: " + error.message;
        $("state").className = "bad";
      }
      setTimeout(refresh, 1000);
    }
    refresh();
    </script>
    </body>
    </html>

    """#
