/** Where a path carries less than the link: learned by probing, used for the routes. */
export class Paths {
  readonly #known = new Map<string, { readonly address: string; readonly mtu: number }>();
  #onChange: () => void = () => undefined;

  /** Bytes of the largest packet that passes to a peer at that address; `undefined`: as many as the link carries. */
  get({ name, address }: { readonly name: string; readonly address: string }): number | undefined {
    const known = this.#known.get(name);
    // Another address is another path.
    return known?.address === address ? known.mtu : undefined;
  }

  set({ name, address }: { readonly name: string; readonly address: string }, mtu: number): void {
    this.#known.set(name, { address, mtu });
    this.#onChange();
  }

  /** The path carries as much as the link. */
  forget({ name }: { readonly name: string }): void {
    if (this.#known.delete(name)) this.#onChange();
  }

  /** Calls after each change; one listener at a time. */
  listen(onChange: () => void): void {
    this.#onChange = onChange;
  }
}
