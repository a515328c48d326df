/** What follows from policies, for people. */
import type {
  AbilityInfo,
  DecisionInfo,
  GrantInfo,
  LintInfo,
  OutcomeInfo,
  PolicyChangeInfo,
  PolicyInfo,
  RuleInfo,
  UnmetInfo,
} from '@secreg/protocol'
import { printable } from '../escape.ts'
import { formatTable } from '../table.ts'

export function policiesTable(policies: readonly PolicyInfo[]): string {
  return formatTable(
    ['Policy', 'Source', 'Rules', 'Revision', 'Description'],
    policies.map(({ policy, source, rules, revision, description = '' }) => [
      policy,
      source,
      String(rules),
      String(revision),
      description,
    ]),
  )
}

/** A condition that is not met, such as `when mfa wants true (not known)`. */
function unmetText({ clause, condition, wants, unknown }: UnmetInfo): string {
  return `${clause} ${condition} ${clause === 'unless' ? 'is' : 'wants'} ${wants}${unknown === true ? ' (not known)' : ''}`
}

const appliesText = ({ applies, unmet }: Pick<RuleInfo, 'applies' | 'unmet'>): string =>
  applies ? 'applies' : `does not apply: ${unmet.map(unmetText).join('; ')}`

/**
 * A decision in words, and the rules that speak of it.
 *
 * @param who - `You`, or whose rights
 */
export function decisionLines(
  who: string,
  action: string,
  path: string,
  { decision, reason, rules }: DecisionInfo,
): string {
  const verdict =
    decision === 'allow'
      ? `${who} may ${action} ${path}`
      : `${who} may not ${action} ${path}: ${reason}`
  const lines = [printable(verdict)]
  if (rules.length > 0) {
    lines.push(
      formatTable(
        ['Rule', 'Effect', 'Here'],
        rules.map((rule) => [rule.rule, rule.effect, appliesText(rule)]),
      ),
    )
  }
  return lines.join('\n')
}

export function grantsTable(grants: readonly GrantInfo[]): string {
  return formatTable(
    ['Who', 'Account', 'By the rules'],
    grants.map(({ principal, account = '', rules }) => [principal, account, rules.join(', ')]),
  )
}

export function abilitiesTable(abilities: readonly AbilityInfo[]): string {
  return formatTable(
    ['Effect', 'Resources', 'Actions', 'Rule', 'Now'],
    abilities.map((ability) => [
      ability.effect,
      ability.resources.join(', '),
      ability.actions.join(', '),
      ability.rule,
      appliesText(ability),
    ]),
  )
}

export function findingsTable(findings: readonly LintInfo[]): string {
  return formatTable(
    ['Severity', 'Code', 'Rule', 'Because of', 'Finding'],
    findings.map(({ severity, code, rule, by = [], message }) => [
      severity,
      code,
      rule,
      by.join(', '),
      message,
    ]),
  )
}

/** Such as `allow (web/read)`. */
const outcomeText = ({ decision, rules }: OutcomeInfo): string =>
  rules.length === 0 ? decision : `${decision} (${rules.join(', ')})`

export function policyChangesTable(changes: readonly PolicyChangeInfo[]): string {
  return formatTable(
    ['Who', 'Actions', 'Where', 'For example', 'Before', 'After'],
    changes.map(({ principals, actions, patterns, resource, before, after }) => [
      principals.join(', '),
      actions.join(', '),
      patterns.length === 0 ? '-' : patterns.join(', '),
      resource,
      outcomeText(before),
      outcomeText(after),
    ]),
  )
}
