/** Stops a timer that has not fired; calling it again, or after it fired, does nothing. */
export type Cancel = () => void;

/** Time as the SIP server sees it, so that tests run the 32-second timers of RFC 3261 in virtual time. */
export interface SipClock {
  /** Milliseconds from an arbitrary start; never goes backwards. */
  now(): number;
  /** Runs `run` once, `ms` milliseconds from now. */
  after(ms: number, run: () => void): Cancel;
}

export const systemClock: SipClock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
