/** Style sheet of a report. */
export const STYLE: string = `
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 2rem auto; max-width: 1080px; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2rem 0 0.6rem; }
code { background: #f3f3f3; padding: 0.1em 0.3em; border-radius: 3px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; } th, td { padding: 0.3rem 0.9rem 0.3rem 0; text-align: right; border-bottom: 1px solid #ddd; }
th { font-weight: 600; vertical-align: bottom; } th:first-child, td:first-child { text-align: left; }
td { font-variant-numeric: tabular-nums; } .note { color: #666; font-size: 0.85rem; max-width: 60rem; }
svg { max-width: 100%; height: auto; }
.grids { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; flex: 1 1 20rem; } figure img { max-width: 100%; }
figcaption { color: #444; }
`;
