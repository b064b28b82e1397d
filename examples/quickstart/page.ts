/**
 * What the demo origins show in a browser: a page, its stylesheet and its picture. Each says who served it.
 */

export const page = (origin: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sluice quickstart</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<main>
<img src="/picture.svg" width="560" height="150" alt="Water on its way through a gate">
<h1>It flows.</h1>
<p>This page came through Sluice from <b>${origin}</b>. The picture and the stylesheet say where they came from;
reload, and the servers take turns.</p>
<ul>
<li><a href="/json">/json</a> a little JSON
<li><a href="/slow">/slow</a> an answer that takes two seconds
<li><a href="/stream">/stream</a> a line every 200 ms, passed on as it comes
<li><a href="/api/headers">/api/headers</a> another site: the fields of your request as the server got them
<li><a href="/old-shop?from=here">/old-shop</a> a redirect that the proxy answers
<li><a href="/ping">/ping</a> a text that the proxy answers
</ul>
<form method="post" action="/api/uploads" enctype="multipart/form-data">
<input type="file" name="file" aria-label="A file"> <button>Upload</button> and read how many bytes arrived
</form>
</main>
</html>
`

export const stylesheet = (origin: string): string => `:root { color-scheme: light dark }
body { margin: 0; font: 1.05rem/1.6 system-ui, sans-serif; background: light-dark(#f2f7fa, #10202b) }
main { max-width: 35rem; margin: 8vh auto; padding: 0 1rem }
main::after { content: "stylesheet from ${origin}"; display: block; margin-top: 2rem; font-size: .85rem; opacity: .6 }
img { width: 100%; height: auto; border-radius: .75rem }
a { color: light-dark(#0b6fa4, #7cc7ee) }
form { padding: 1rem; border: 1px solid light-dark(#c5d9e4, #2c4a5c); border-radius: .75rem }
`

export const picture = (
  origin: string,
): string => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 150" font-family="system-ui, sans-serif">
<rect width="560" height="150" fill="#0e4a66"/>
<path d="M0 60 q35 -16 70 0 t70 0 t70 0 t70 0 V150 H0 Z" fill="#2a8fbd"/>
<path d="M280 105 q35 -12 70 0 t70 0 t70 0 t70 0 V150 H280 Z" fill="#5cb8dc"/>
<rect x="270" y="20" width="20" height="78" fill="#f4b860"/>
<rect x="256" y="12" width="48" height="12" rx="3" fill="#c98a2b"/>
<text x="544" y="30" text-anchor="end" font-size="14" fill="#fff">picture from ${origin}</text>
</svg>
`
