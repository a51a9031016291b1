const DIRECTION = /^a=(?:sendrecv|sendonly|recvonly|inactive)\r?\n/gm;

/** The same SDP with this direction for all of its media. */
export function withDirection(sdp: string, direction: 'sendrecv' | 'inactive'): string {
  const bare = sdp.replace(DIRECTION, '');
  // Session level, which holds for every section (RFC 8866 section 6.7).
  return bare.replace(/^m=/m, () => `a=${direction}\r\nm=`);
}
