/**
 * Longest buffer or string that is believed. The default `jute.maxbuffer` is 1 MiB; a server keeps several copies of a request
 * in its heap, so that nobody raises it a hundredfold. A length above this is damage, not data; up to it memory may be asked for.
 */
export const juteLengthMax = 1 << 27
