import type { BirdRoute } from './routes.ts';
import type { BirdSession } from './sessions.ts';

/** What `configure` did: BIRD was started, or changed while it ran, or had that configuration already. */
export type ConfigureOutcome = 'started' | 'changed' | 'unchanged';

/** The BIRD of one node. */
export interface Bird {
  /**
   * Makes `text` what BIRD does, and starts it when it does not run. Fails with `bird-refused` when BIRD does not take the
   * text, and goes on with what it had.
   */
  configure(text: string): Promise<ConfigureOutcome>;
  /** Whether a restarted BIRD still waits for its peers, and changes nothing until they have told their routes. */
  recovering(): Promise<boolean>;
  sessions(): Promise<readonly BirdSession[]>;
  /** Of both families. */
  routes(): Promise<readonly BirdRoute[]>;
  /** Ends BIRD in such a way that its peers and the kernel keep its routes for a while. */
  stop(): Promise<void>;
  /** Whether it was ever started here, so that routes of it may be left in the kernel. */
  hasRun(): boolean;
  /** Nothing is left of it: the next one is the first. */
  forget(): void;
}
