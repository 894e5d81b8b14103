/** What the generated declarations of the binding say, read by the TypeScript compiler. */
import { readFileSync } from 'node:fs'
import ts from 'typescript'

export const DECLARATIONS = new URL('../../native/index.d.cts', import.meta.url)

export interface Parameter {
  readonly name: string
  readonly type: string
  /** Whether a call may go without it. */
  readonly isOptional: boolean
}

export interface Callable {
  /** Such as `Session.sign` for a static method, `Session#begin` for a method, `readCard` for a function. */
  readonly name: string
  readonly parameters: readonly Parameter[]
}

export interface Surface {
  /** Names of everything that is declared: exports, and members as `Class.static`, `Class#member`. */
  readonly names: readonly string[]
  readonly callables: readonly Callable[]
}

export function readSurface(): Surface {
  const names: string[] = []
  const callables: Callable[] = []
  const add = (name: string, parameters?: ts.NodeArray<ts.ParameterDeclaration>): void => {
    names.push(name)
    if (parameters)
      callables.push({
        name,
        parameters: parameters.map(({ name: parameter, type, questionToken }) => ({
          name: parameter.getText(),
          type: type?.getText() ?? '',
          isOptional: questionToken !== undefined,
        })),
      })
  }
  const source = ts.createSourceFile(
    'index.d.cts',
    readFileSync(DECLARATIONS, 'utf8'),
    ts.ScriptTarget.ES2022,
    true,
  )
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement))
      add(statement.name?.getText() ?? '', statement.parameters)
    else if (ts.isClassDeclaration(statement)) {
      const owner = statement.name?.getText() ?? ''
      add(owner)
      for (const member of statement.members) addMember(owner, member, add)
    } else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement))
      add(statement.name.getText())
    else if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations) add(name.getText())
    else throw new Error(`a declaration of an unknown form: ${statement.getText()}`)
  }
  return { names, callables }
}

function addMember(
  owner: string,
  member: ts.ClassElement,
  add: (name: string, parameters?: ts.NodeArray<ts.ParameterDeclaration>) => void,
): void {
  const isStatic =
    ts.canHaveModifiers(member) &&
    ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) === true
  const name = `${owner}${isStatic ? '.' : '#'}${member.name?.getText()}`
  if (ts.isConstructorDeclaration(member)) add(`new ${owner}`, member.parameters)
  else if (ts.isMethodDeclaration(member)) add(name, member.parameters)
  else add(name)
}
