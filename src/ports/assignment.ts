/**
 * Which member of a group may work on which resource (a topic-partition, a source, a model). A courtesy that saves
 * double work, never what keeps the data true: two members that believe they hold one resource harm nothing (I3, I9).
 */
export interface Assignment {
  /** `resources` are the names that this member wants; members of one group may want different ones. */
  join(group: string, resources: readonly string[]): Promise<Membership>
  /** What live members of a group hold now. A look: it joins nothing and takes nothing away. */
  held(group: string): Promise<ReadonlySet<string>>
  /**
   * What members of a group told last of these resources, for whoever shows lag: no read begins by it (I1). Only
   * what was told; null where nothing of the kind is kept.
   */
  told(group: string, resources: readonly string[]): Promise<ReadonlyMap<string, bigint> | null>
}

export interface Membership {
  /** Renews this member's leases, takes what is free within its fair share, and returns what it holds now. */
  poll(): Promise<ReadonlySet<string>>
  /** Wants these too from now on; `poll` tells whether it got them. */
  want(resources: readonly string[]): Promise<void>
  /** Gives resources back and wants them no more. */
  release(resources: readonly string[]): Promise<void>
  /**
   * Publishes how far each resource has been read, for tools that show lag: of what is held now only, and nothing is ever
   * read back from it (I1). May do nothing.
   */
  tell(positions: ReadonlyMap<string, bigint>): Promise<void>
  /** Gives all back. */
  leave(): Promise<void>
}
