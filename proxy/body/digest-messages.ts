/** What the digest pool and its workers say to each other. Offsets are into the buffer pool's memory. */
export type DigestAlgorithm = 'md5' | 'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256';
