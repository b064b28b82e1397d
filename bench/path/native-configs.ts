/**
 * The configuration texts of the programs that are not ours: nginx as origin; nginx, HAProxy and Caddy as proxies;
 * nginx, Varnish and Squid as caches.
 * Strategy: each gets what its own manual advises for one worker behind kept connections, and nothing is logged.
 * Where a default would make a program look worse than it is, the default is changed and the reason stands beside.
 */
import { userInfo } from 'node:os'
import { openFilesMax } from './proc.ts'
import { cachedTag } from './works.ts'

/** Longer than any run: no connection is to end because the bench is slow. */
const patienceSeconds = 300
/** In place of "unlimited": connections are not to be renewed after nginx's thousand requests. */
const keepAliveRequests = 1_000_000_000
const connectionsMax = 8_192
/** What every cache has room for: so little that in `cache-miss` all of them evict, as one does that has run for a while. */
export const cacheMegabytes = 64

/** Where an origin says how many requests it had so far, this one included. */
export const countPath = '/requests-so-far'

/** Two sockets a connection, and a few files for the program itself. */
const proxyConnectionsMax = () => Math.min(connectionsMax, Math.floor((openFilesMax() - 200) / 2))

const nginxHead = (folder: string) => `
# Started by root, nginx would run its worker as nobody, who cannot read the temporary folder.
${userInfo().uid === 0 ? 'user root root;' : ''}
daemon off;
worker_processes 1;
worker_rlimit_nofile ${openFilesMax()};
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections ${2 * proxyConnectionsMax()}; }
`

const nginxHttp = (folder: string) => `
  access_log off;
  client_body_temp_path ${folder}/client-body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_timeout ${patienceSeconds}s;
  keepalive_time 24h;
  keepalive_requests ${keepAliveRequests};
  client_max_body_size 0;
`

const nginxUpstream = (name: string, server: string) => `
  upstream ${name} {
    server ${server};
    keepalive 256;
    keepalive_requests ${keepAliveRequests};
    keepalive_time 24h;
    keepalive_timeout ${patienceSeconds}s;
  }
`

/**
 * The origin: 1 KB from memory, files by sendfile, and uploads that are answered only after their last byte.
 * `return` would answer an upload before reading it; proxy_pass reads it whole first, and the second server,
 * over a unix socket in the same worker, gets the request without the body.
 */
export const nginxOrigin = (folder: string, files: string, port: number, answer: string) => `
${nginxHead(folder)}
http {
${nginxHttp(folder)}
  default_type text/plain;
  types { text/html html; }
  sendfile on;
  tcp_nopush on;
  open_file_cache max=16 inactive=${patienceSeconds}s;
  open_file_cache_valid ${patienceSeconds}s;
${nginxUpstream('reader', `unix:${folder}/reader.sock`)}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = / { return 200 "${answer}"; }
    location = ${countPath} { stub_status; }
    location /cache/ {
      add_header Cache-Control "public, max-age=3600";
      add_header ETag '${cachedTag}';
      add_header Last-Modified "Tue, 01 Sep 2026 10:00:00 GMT";
      return 200 "${answer}";
    }
    location /cached-64k {
      add_header Cache-Control "public, max-age=3600";
      root ${files};
    }
    location = /upload {
      client_body_buffer_size 2m;
      proxy_pass http://reader;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_pass_request_body off;
    }
    location / { root ${files}; }
  }
  server {
    listen unix:${folder}/reader.sock;
    location / { return 200 "read"; }
  }
}
`

/**
 * nginx as proxy: default buffers, connections kept on both sides. Two defaults are changed for the sake of
 * fairness: neither answers nor uploads go to temporary files on disk, as none of the others does that.
 */
export const nginxProxy = (folder: string, port: number, originPort: number) => `
${nginxHead(folder)}
http {
${nginxHttp(folder)}
${nginxUpstream('origin', `127.0.0.1:${originPort}`)}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }
    location /page.html {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      gzip on;
      gzip_comp_level 6;
      gzip_proxied any;
    }
    location /socket {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }
}
`

/**
 * What saves nginx work with what it finds in its cache, but for nothing else: files stay open, and go out by sendfile,
 * which is dearer for 1 KB (two calls in the place of one) and cheaper for 64 KB (no copy). Without `tcp_nopush`, as
 * with it 64 KB on this loopback wait 40 ms.
 */
const keptFiles = `
  sendfile on;
  open_file_cache max=2000 inactive=${patienceSeconds}s;
  open_file_cache_valid ${patienceSeconds}s;
`

/** nginx as cache, in its defaults but for the lock, without which each of many that miss would ask the origin. */
export const nginxCache = (folder: string, port: number, originPort: number, tuned: boolean) => `
${nginxHead(folder)}
http {
${nginxHttp(folder)}
${tuned ? keptFiles : ''}
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=pages:64m max_size=${cacheMegabytes}m inactive=1h use_temp_path=off;
${nginxUpstream('origin', `127.0.0.1:${originPort}`)}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_cache pages;
      proxy_cache_lock on;
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`

/** All else is Varnish's own default: what is stored and for how long the origin says. */
export const varnishCache = (originPort: number) => `
vcl 4.1;
backend default {
  .host = "127.0.0.1";
  .port = "${originPort}";
}
`

/** Squid as accelerator, in memory only; it neither logs nor asks other caches. */
export const squidCache = (folder: string, port: number, originPort: number) => `
http_port 127.0.0.1:${port} accel no-vhost defaultsite=127.0.0.1:${originPort}
cache_peer 127.0.0.1 parent ${originPort} 0 no-query no-digest no-netdb-exchange originserver name=origin
http_access allow all
never_direct allow all
cache_mem ${cacheMegabytes} MB
collapsed_forwarding on
access_log none
cache_log stdio:/dev/null
pid_filename none
coredump_dir ${folder}
pinger_enable off
icp_port 0
shutdown_lifetime 0 seconds
max_filedescriptors ${Math.min(65_536, openFilesMax())}
`

export const haproxyProxy = (port: number, originPort: number) => `
global
  nbthread 1
  maxconn ${proxyConnectionsMax()}
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client ${patienceSeconds}s
  timeout server ${patienceSeconds}s
  timeout http-keep-alive ${patienceSeconds}s
  timeout tunnel ${patienceSeconds}s
frontend proxy
  bind 127.0.0.1:${port} backlog 4096
  default_backend origin
backend origin
  server origin 127.0.0.1:${originPort} pool-max-conn 256
`

/** Caddy would keep only 32 upstream connections and ask the origin for gzip in its own name. */
export const caddyProxy = (port: number, originPort: number) => `
{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${originPort} {
    transport http {
      compression off
      keepalive ${patienceSeconds}s
      keepalive_idle_conns_per_host 256
    }
  }
}
`
