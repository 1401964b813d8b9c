/**
 * Longest buffer or string that is believed. The default `jute.maxbuffer` is 1 MiB; a server keeps several copies of a request
 * in its heap, so that nobody raises it a thousandfold. A length above this is damage, not data.
 */
export const juteLengthMax = 1 << 30
