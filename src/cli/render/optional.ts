/** An object with the field, or without it when there is no value: absent and undefined are not the same to the engine. */
export function optional<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in Name]?: Value })
}
