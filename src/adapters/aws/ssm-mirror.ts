import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { SluiceError } from '../../domain/errors.ts'
import type { SsmMirrorSettings } from '../../domain/settings.ts'
import type { WatermarkMirror } from '../../ports/watermark-mirror.ts'

const ATTEMPTS = 3
const TIMEOUT_MS = 10_000

/**
 * AWS Systems Manager Parameter Store: one parameter a watermark, below the prefix. Guarantee: what `publish` returned
 * for is stored. Non-guarantee: order, where two processes publish one name.
 */
export function openSsmMirror({ prefix, region, endpoint, profile }: SsmMirrorSettings): WatermarkMirror {
  const client = new SSMClient({
    maxAttempts: ATTEMPTS,
    requestHandler: { requestTimeout: TIMEOUT_MS, connectionTimeout: TIMEOUT_MS },
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint }),
    ...(profile === null ? {} : { profile }),
  })
  const nameOf = (name: string): string => `${prefix.replace(/\/+$/, '')}/${name}`
  return {
    async publish(name, text) {
      const Name = nameOf(name)
      try {
        await client.send(new PutParameterCommand({ Name, Value: text, Type: 'String', Overwrite: true }))
      } catch (error) {
        throw mirrorError(error, `writing parameter ${Name}`)
      }
    },
    async read(name) {
      const Name = nameOf(name)
      try {
        const { Parameter } = await client.send(new GetParameterCommand({ Name }))
        return Parameter?.Value ?? null
      } catch (error) {
        if (error instanceof ParameterNotFound) return null
        throw mirrorError(error, `reading parameter ${Name}`)
      }
    },
  }
}

function mirrorError(error: unknown, doing: string): SluiceError {
  const name = error instanceof Error ? error.name : ''
  const message = `${doing} failed: ${error instanceof Error && error.message !== '' ? error.message : name}`
  const isRefusal = /AccessDenied|Credentials|Token|Signature|Unrecognized|Validation|region is missing/i.test(
    `${name} ${message}`,
  )
  return new SluiceError(isRefusal ? 'STORE_REFUSED' : 'STORE_UNAVAILABLE', message, {
    cause: error,
    where: { key: 'watermark_mirror' },
    hint: isRefusal
      ? 'The login needs ssm:PutParameter and ssm:GetParameter below watermark_mirror.prefix.'
      : 'Try again; the watermark itself stands in the log.',
  })
}
