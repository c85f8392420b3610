/** What `holdfast bench load --help` says. */
export const LOAD_USAGE = `Usage: holdfast bench load [options]

Loads an S3 endpoint, or any server of plain PUT and GET, and measures it.
Credentials and region come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION.

  --endpoint URL          what to load; default AWS_ENDPOINT_URL
  --protocol s3|http      http: PUT, GET, HEAD and DELETE without S3, such as nginx with DAV; default s3
  --anonymous             do not sign
  --bucket NAME           default: one that is made and removed; of an existing one only our own objects are touched

  --operations LIST       of put,get,head,list,delete, in this order; default all that the protocol has
  --size LIST             bytes of an object, such as 4k,1m,1g; default 4k
  --concurrency LIST      connections, such as 1,8,32; default 8
  --duration TIME         of each operation, such as 10s or 500ms; default 10s
  --warmup TIME           before it, not recorded; default 1s
  --max-operations N      ends an operation after N, when that comes first
  --objects N             what get, head, list and delete need at least; default 1000, fewer when large
  --repeat N              measures everything N times, in rounds; default 1

  --rate N                open loop: N starts a second, latency counted from when each was due
  --range BYTES           gets read so many bytes, from a random position
  --multipart BYTES       larger puts go in parts of this size
  --signed-payload        signs the SHA-256 of each body too
  --check-reads SHARE     of the 64 KiB blocks of read bodies that are compared; default 1 up to 64 KiB, then 0.125
  --check-etags SHARE     of the puts whose ETag is checked; default 1 up to 16 KiB, 0.0625 up to 1 MiB, then 0
  --timeout TIME          without any progress, after which an operation has failed; default 60s
  --processes N           threads that make the load; default 1
  --seed TEXT             of contents and choices; default drawn and reported

  --json FILE             writes the results, after every row
  --pid LIST              processes of the server, whose CPU is counted with their descendants'
  --pids-from FOLDER      the same for every NAME.pid in it, by name

Exit code: 0 measured, 1 something failed, 2 wrong options.
`;
